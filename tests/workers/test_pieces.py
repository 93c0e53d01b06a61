"""Pieces of a template write what the library writes, and refuse what it refuses."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid.exceptions import LiquidError

from domain.templates import NAMES
from workers.pieces import Pieces
from workers.templates import MAX_OUTPUT, compiled

_TEXTS = st.text(
    st.sampled_from(["a", "ß", "<", ">", "&", '"', "'", "\r", "\n", "{", "%", " ", "\u2028", "\x85"]), max_size=12
)
_VALUES = st.one_of(
    st.none(),
    _TEXTS,
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False),
    st.decimals(-1000, 1000, places=2),
    st.just(datetime(2026, 3, 1, 9, tzinfo=UTC)),
)
_FILTERS = [
    *[
        "append: '<b>'",
        'append: "x\'y"',
        "capitalize",
        "default: 'you'",
        "default: 3",
        "default: '', allow_false: true",
    ],
    *["downcase", "escape", "newline_to_br", "prepend: '&'", "squish", "strip", "truncate: 4", "truncate: 5, '..'"],
    *[
        "truncatewords: 1",
        "upcase",
        "url_encode",
        "date",
        "date: '%d %B'",
        "round",
        "round: 2",
        "default: customer.city",
    ],
]
_NAMED = [f"{group}.{name}" for group, names in NAMES.items() for name in names]
_NAMED += ["data.size", "data.first", "data.x"]
_OUTPUTS = st.builds(
    lambda name, filters: "{{ " + " | ".join([name, *filters]) + " }}",
    st.sampled_from([*_NAMED, "'said'", "7"]),
    st.lists(st.sampled_from(_FILTERS), max_size=3),
)
_SOURCES = st.lists(
    st.one_of(_OUTPUTS, _TEXTS.filter(lambda text: "{" not in text), st.just("{% if data.x %}y{% endif %}")), max_size=5
).map("".join)


def said(render: Any) -> tuple[str, str]:
    try:
        return "written", str(render())
    except LiquidError as error:
        return type(error).__name__, str(error.message)
    except (ArithmeticError, ValueError, TypeError) as error:
        return type(error).__name__, ""


@given(st.booleans(), _SOURCES, st.data())
def test_pieces_write_what_the_library_writes(escapes: bool, source: str, data: st.DataObject) -> None:
    values: dict[str, dict[str, Any]] = {}
    for name in _NAMED:
        group, _, field = name.partition(".")
        if name in source:
            values.setdefault(group, {})[field] = data.draw(_VALUES, name)
    pieces = compiled(escapes, source)
    library = pieces.template
    assert said(lambda: pieces.render(values)) == said(lambda: library.render(**values))


@pytest.mark.parametrize("mark", ["x", "ß"])
def test_what_is_too_long_is_refused_at_the_same_length(mark: str) -> None:
    pieces = compiled(False, "{{ data.x }}")
    longest = mark * (MAX_OUTPUT // len(mark.encode()))
    assert pieces.render({"data": {"x": longest}}) == longest
    assert said(lambda: pieces.render({"data": {"x": longest + "x"}}))[0] == "OutputStreamLimitError"


def test_the_plain_ones_are_in_pieces_and_the_others_are_not() -> None:
    """Otherwise the comparison above would be of the library with itself."""
    plain = "Hi {{ customer.name | default: 'you' | upcase }}, {{ metrics.lifetime_value | round: 2 }}"
    assert Pieces(compiled(True, plain).template).is_plain
    assert not compiled(True, "{% if customer.name %}x{% endif %}").is_plain
    assert not compiled(True, "{{ customer.name | default: customer.email }}").is_plain
    assert (
        compiled(True, plain).render({"customer": {"name": "<Ann>"}, "metrics": {"lifetime_value": Decimal("2.5")}})
        == "Hi &lt;ANN&gt;, 2.50"
    )
