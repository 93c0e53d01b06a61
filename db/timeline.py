"""The timeline of a customer: all that happened to them as one relation, newest first.

Every source is a branch with the same columns. A page takes from each no more than it has room for: facts in the order
of their index; of the other sources a customer has few, which are read and sorted.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_type_hints
from uuid import UUID

from db.consents import ConsentChange
from db.customers import NOTE_BY_ID
from db.facts.reading import EVENT_BY_ID
from db.journeys.records import Transition
from db.merges import MERGE_BY_ID
from db.messages import MESSAGE_BY_ID
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.segments.records import MembershipChange
from db.statement import Statement, all_of, sql
from db.tags import TAG_BY_ID
from domain.timeline import EntryKind

# A row without an id is told from its like by number, and from all else by what stands before it; a spell by its
# journey and its number.
_NUMBERED = "('00000000-0000-0000-000{}-' || lpad(to_hex(t.seq), 12, '0'))::uuid"
_SPELL = "md5(t.journey_id::text || t.seq)::uuid"
_OF_CUSTOMER = ("t.organization_id", "t.customer_id")
_WITH_ID = ("null::uuid", "null::bigint")
_BY_NUMBER = ("null::uuid", "t.seq")


def _row(record: type, table: str, key: str) -> str:
    """The row of a record as JSON, looked up by its key for `t`, the entry."""
    return f"""
        (select to_jsonb(r) from (select t.organization_id, t.journey_id, t.number) e cross join lateral (
             select {columns_of(record)} from {table} t where t.organization_id = e.organization_id and {key}) r)
    """


_SPELLED = "t.journey_id = e.journey_id and t.seq = e.number"
_COUNTED = "t.seq = e.number"
# Only for the entries of a page, so not in the branches, which are sorted. What is not found is a merged one's.
_DETAILS = f"""
    case t.kind
        when 'STAGE_ENTERED' then coalesce(
            {_row(Transition, "stage_transition", _SPELLED)}, {_row(Transition, "merged_transition", _SPELLED)})
        when 'CONSENT_CHANGED' then {_row(ConsentChange, "consent_change", _COUNTED)}
        else case when t.number is not null then coalesce(
            {_row(MembershipChange, "segment_membership_change", _COUNTED)},
            {_row(MembershipChange, "merged_membership_change", _COUNTED)}) end
    end
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `details` is the row of a subject that has no id of its own, else None."""

    id: UUID
    kind: str
    occurred_at: datetime
    details: dict[str, Any] | None = column(_DETAILS)


# Where a subject is found whose id is the entry's.
SUBJECTS: dict[str, Relation[Any]] = dict.fromkeys(EntryKind, EVENT_BY_ID) | {
    EntryKind.MESSAGE: MESSAGE_BY_ID,
    EntryKind.NOTE: NOTE_BY_ID,
    EntryKind.TAGGED: TAG_BY_ID,
    EntryKind.MERGED: MERGE_BY_ID,
}
# What the others are in `details`.
RECORDS: dict[str, type] = {
    EntryKind.STAGE_ENTERED: Transition,
    EntryKind.SEGMENT_ENTERED: MembershipChange,
    EntryKind.SEGMENT_LEFT: MembershipChange,
    EntryKind.CONSENT_CHANGED: ConsentChange,
}


def subject(entry: Entry) -> Any:
    """The record in an entry's details."""
    record = RECORDS[entry.kind]
    types = get_type_hints(record)
    assert entry.details is not None
    return record(*(_read(types[field.name], entry.details[field.name]) for field in fields(record)))


def matching(
    kinds: Collection[EntryKind] | None, since: datetime | None = None, until: datetime | None = None
) -> Statement | None:
    """Entries of these kinds (None: of all), from `since` on and before `until`."""
    asked = [
        None if kinds is None else sql("t.kind = any(:kinds::text[])", kinds=sorted(kinds)),
        None if since is None else sql("t.occurred_at >= :since::timestamptz", since=since),
        None if until is None else sql("t.occurred_at < :until::timestamptz", until=until),
    ]
    return all_of([predicate for predicate in asked if predicate is not None])


def _read(type_: Any, value: Any) -> Any:
    """A value of a row as JSON has it."""
    if value is None:
        return None
    if type_ in (UUID, UUID | None):
        return UUID(value)
    return datetime.fromisoformat(value) if type_ in (datetime, datetime | None) else value


# organization, customer, id, kind, occurred_at, the journey and the number of a row without an id, from
_BRANCHES = (
    (*_OF_CUSTOMER, "t.id", "t.kind", "t.occurred_at", *_WITH_ID, "fact t"),
    (
        *(*_OF_CUSTOMER, "t.id", "'MESSAGE'", "coalesce(t.sent_at, t.queued_at)", *_WITH_ID),
        "message t where not t.is_test",
    ),
    (*_OF_CUSTOMER, "t.id", "'NOTE'", "t.created_at", *_WITH_ID, "customer_note t"),
    (*_OF_CUSTOMER, "t.tag_id", "'TAGGED'", "t.created_at", *_WITH_ID, "customer_tag t"),
    (*_OF_CUSTOMER, "t.id", "'MERGED'", "t.merged_at", *_WITH_ID, "customer_merge t"),
    (*_OF_CUSTOMER, _NUMBERED.format(1), "'SEGMENT_' || t.change", "t.at", *_BY_NUMBER, "segment_membership_change t"),
    (*_OF_CUSTOMER, _NUMBERED.format(1), "'SEGMENT_' || t.change", "t.at", *_BY_NUMBER, "merged_membership_change t"),
    (*_OF_CUSTOMER, _NUMBERED.format(2), "'CONSENT_CHANGED'", "t.at", *_BY_NUMBER, "consent_change t"),
    (
        *("j.organization_id", "j.customer_id", _SPELL, "'STAGE_ENTERED'", "t.entered_at", "t.journey_id", "t.seq"),
        "journey j join stage_transition t on t.organization_id = j.organization_id and t.journey_id = j.id",
    ),
    (*_OF_CUSTOMER, _SPELL, "'STAGE_ENTERED'", "t.entered_at", "t.journey_id", "t.seq", "merged_transition t"),
)
_COLUMNS = ("organization_id", "customer_id", "id", "kind", "occurred_at", "journey_id", "number")


def _branch(branch: tuple[str, ...]) -> str:
    *columns, source = branch
    named = ", ".join(f"{column} as {name}" for column, name in zip(columns, _COLUMNS, strict=True))
    return f"select {named} from {source}"


_SELECTS = tuple(map(_branch, _BRANCHES))
TIMELINE = Relation(
    "timeline",
    Entry,
    f"({' union all '.join(_SELECTS)}) t",
    key="t.customer_id",
    orders=(("OCCURRED_AT", Sort("t.occurred_at", "timestamptz")),),
    descending=True,
    branches=tuple(f"({select}) t" for select in _SELECTS),
)
