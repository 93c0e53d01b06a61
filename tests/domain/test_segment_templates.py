"""Templates: sound as they are, and with a shop's own numbers."""

from decimal import Decimal
from typing import Any

import pytest

from domain.conditions import parse, sentence, to_json
from domain.refusals import Refused
from domain.segment_templates import TEMPLATES, template
from domain.segments_given import read_definition


@pytest.mark.parametrize("key", sorted(TEMPLATES))
def test_every_template_is_sound_at_its_edges(key: str) -> None:
    found = TEMPLATES[key]
    for pick in ("default", "minimum", "maximum"):
        condition = found.condition({p.name: getattr(p, pick) for p in found.parameters})
        assert parse(to_json(condition)) == condition
    for parameter in found.parameters:
        assert parameter.minimum <= parameter.default <= parameter.maximum
        for outside in (parameter.minimum - 1, parameter.maximum + 1, "x"):
            with pytest.raises(Refused) as refused:
                found.condition({parameter.name: outside})
            assert (refused.value.code, refused.value.field) == ("INVALID_VALUE", (parameter.name,))


@pytest.mark.parametrize(
    ("key", "given", "meant"),
    [
        ("high-value", {}, "is in the top 20 % by lifetime value"),
        ("high-value", {"top": "5"}, "is in the top 5 % by lifetime value"),
        ("new", {"orders": 0}, "tenure is at most 30 days"),
        ("vip", {}, "is in the top 20 % by lifetime value and purchase frequency is at least 1"),
        ("birthday", {"days": Decimal(0)}, "date of birth has its anniversary today"),
        ("churning", {}, "last activity is more than 30 days ago"),
    ],
)
def test_templates_with_numbers(key: str, given: dict[str, Any], meant: str) -> None:
    assert sentence(template(key).condition(given)) == meant


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"template": {"key": "x"}}, "UNKNOWN_TEMPLATE", ("template", "key")),
        (
            {"template": {"key": "new", "parameters": [{"name": "x", "value": 1}]}},
            "UNKNOWN_PARAMETER",
            ("template", "parameters", "0"),
        ),
        (
            {"template": {"key": "new", "parameters": [{"name": "days", "value": "1.5"}]}},
            "INVALID_VALUE",
            ("template", "parameters", "0"),
        ),
        ({"condition": {"everyone": True}, "criteria": {"minOrders": 1}}, "INVALID", ("criteria",)),
        ({"condition": {"all": []}}, "EMPTY_GROUP", ("condition", "all")),
    ],
)
def test_definitions_that_are_refused(given: dict[str, Any], code: str, path: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        read_definition(given)
    assert (refused.value.code, refused.value.field) == (code, path)


def test_nothing_given_is_no_definition() -> None:
    assert read_definition({"condition": None, "criteria": None}) is None
