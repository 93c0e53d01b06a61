"""What a condition reads of a customer, as names that changes are told by: whose change leaves a verdict as it is?

Names: the key of a profile's field; `fact:<kind>` for facts of a kind and the metrics that follow from them; `scores`,
`predictions`, `tags`, `consents`, `stage`, `messages`, `brands` (which brands know the customer); `segment:<id>`.
"""

from collections.abc import Iterable
from typing import assert_never
from uuid import UUID

from domain.conditions import tree
from domain.conditions.fields import ATTRIBUTE
from domain.conditions.tree import Condition, Operator, leaves
from domain.facts import FactKind

SCORES, PREDICTIONS, TAGS, CONSENTS = "scores", "predictions", "tags", "consents"
STAGE, MESSAGES, BRANDS = "stage", "messages", "brands"
ATTRIBUTES, ACQUIRED, ZONE = "attributes", "acquiredAt", "timezone"


def fact(kind: FactKind | str) -> str:
    return f"fact:{kind}"


def segment(segment_id: UUID) -> str:
    return f"segment:{segment_id}"


def profile_field(column: str) -> str:
    """What a change of this column of a customer is called: `date_of_birth` is read as `dateOfBirth`."""
    first, *others = column.split("_")
    return first + "".join(map(str.capitalize, others))


_ORDERS = (FactKind.ORDER,)
_ORDER_MONEY = (FactKind.ORDER, FactKind.REFUND)
_APPOINTMENTS = (FactKind.APPOINTMENT,)
_ACTIVITIES = (
    FactKind.ORDER,
    FactKind.APPOINTMENT,
    FactKind.VISIT,
    FactKind.CALL,
    FactKind.CLICK,
    FactKind.INBOUND_MESSAGE,
)
# Of which facts each metric is made (db/metrics/definition.py).
_METRICS = {
    "lifetimeValue": (FactKind.ORDER, FactKind.APPOINTMENT, FactKind.REFUND),
    "orderCount": _ORDERS,
    "averageOrderValue": _ORDER_MONEY,
    "purchaseFrequency": _ORDERS,
    "daysSinceLastOrder": _ORDERS,
    "appointmentCount": _APPOINTMENTS,
    "firstOrderAt": _ORDERS,
    "lastOrderAt": _ORDERS,
    "lastAppointmentAt": _APPOINTMENTS,
    "lastActivityAt": _ACTIVITIES,
    "purchasedSkus": _ORDERS,
    "purchasedCategories": _ORDERS,
    "purchasedBrands": _ORDERS,
}
_OTHERS = {
    "engagementScore": SCORES,
    "riskScore": SCORES,
    "probabilityAlive": PREDICTIONS,
    "expectedOrders90Days": PREDICTIONS,
    "predictedValue": PREDICTIONS,
    "tenureDays": ACQUIRED,
}

ACTIVITIES = frozenset(map(fact, _METRICS["lastActivityAt"]))


def reads(condition: Condition, brand_id: UUID | None = None) -> frozenset[str]:
    """Everything that the condition reads; brand_id: of a segment that looks at one brand's customers."""
    found = {name for leaf in leaves(condition) for name in _read_by(leaf)}
    return frozenset(found | {BRANDS} if brand_id else found)


def is_concerned(read: Iterable[str] | None, changed: Iterable[str] | None) -> bool:
    """Whether a change may change a verdict; None: unknown, so anything."""
    return read is None or changed is None or not set(read).isdisjoint(changed)


def _read_by(leaf: tree.Leaf) -> Iterable[str]:
    match leaf:
        case tree.NumberLeaf(key) | tree.TextLeaf(key) | tree.SetLeaf(key):
            return _field(key)
        case tree.DateLeaf(key, comparison):
            # Anniversaries are those of the place where the customer lives.
            own = comparison.operator is Operator.ANNIVERSARY_WITHIN_DAYS
            return [*_field(key), ZONE] if own else _field(key)
        case tree.FactLeaf():
            return [fact(leaf.kind)]
        case tree.InSegment(segment_id):
            return [segment(segment_id)]
        case tree.StageLeaf():
            return [STAGE]
        case tree.MessageLeaf():
            return [MESSAGES]
        case tree.ConsentLeaf():
            return [CONSENTS]
        case tree.Percentile(key):
            return _field(key)
        case tree.Bucket():
            return []
        case _:
            assert_never(leaf)


def _field(key: str) -> list[str]:
    if key.startswith(ATTRIBUTE):
        return [ATTRIBUTES]
    if key in _METRICS:
        return [fact(kind) for kind in _METRICS[key]]
    return [_OTHERS.get(key, key)]
