"""The check before the timing: what is the same in other words passes, and any other value is found."""

from typing import Any

import pytest

from bench.answers import differences, normalised
from bench.database import row_id
from resolvers.ids import global_id

CUSTOMER = row_id("customer", 7)
OURS = {
    "customers": {
        "nodes": [
            {
                "id": global_id("Customer", CUSTOMER),
                "createdAt": "2024-01-01T01:40:48Z",
                "orderCount": 7,
                "notes": {"nodes": [{"body": "2 o'clock"}]},
                "phone": None,
            }
        ],
        "pageInfo": {"hasNextPage": True, "endCursor": "ours"},
    }
}
NODE: dict[str, Any] = {
    "id": str(CUSTOMER),
    "createdAt": "2024-01-01 02:40:48+01",
    "orderCount": "7",
    "notes": [{"body": "2 o'clock"}],
    "phone": None,
}


def theirs(**changes: Any) -> dict[str, Any]:
    return {"customers": {"nodes": [NODE | changes], "pageInfo": {"hasNextPage": True, "endCursor": "theirs"}}}


def test_the_same_in_other_words_is_the_same() -> None:
    assert list(differences(normalised(OURS), normalised(theirs()))) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", str(row_id("customer", 8))),
        ("createdAt", "2024-01-01T01:40:49Z"),
        ("orderCount", 8),
        ("notes", []),
        ("phone", "+44"),
    ],
)
def test_another_value_is_found(name: str, value: object) -> None:
    found = list(differences(normalised(OURS), normalised(theirs(**{name: value}))))
    assert [difference.partition(":")[0] for difference in found] == [f".customers.nodes[0].{name}"]


def test_a_missing_row_is_found() -> None:
    assert list(differences([1, 2], [1])) == [": [1, 2] | [1]"]
