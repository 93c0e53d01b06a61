"""Sources of relations where they are joined to the keys."""

import pytest

from db.relations import _joined


@pytest.mark.parametrize(
    ("source", "joined"),
    [
        ("customer t", "customer t"),
        ("a t join b on b.id = t.id", "(a t join b on b.id = t.id)"),
        ("(select x from a join (b join c) using (id)) t", "(select x from a join (b join c) using (id)) t"),
        ("(select 1) t join b on (b.x = t.x)", "((select 1) t join b on (b.x = t.x))"),
    ],
)
def test_only_an_open_join_is_put_in_parentheses(source: str, joined: str) -> None:
    assert _joined(source) == joined
