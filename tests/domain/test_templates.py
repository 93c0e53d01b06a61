"""What a template may say and which shape its parts have."""

import pytest

from domain.refusals import Refused
from domain.templates import MAX_BODY, NAMES, Content, check_shape, first_name, is_name, listed, spelled


def test_names_have_two_spellings() -> None:
    assert is_name(("customer", "first_name"))
    assert is_name(("customer", "firstName"))
    assert is_name(("metrics", "lifetimeValue"))
    for path in [
        ("customer",),
        ("customer", "password"),
        ("customer", "name", "size"),
        ("customer", ["brand"]),
        ("x", 0),
    ]:
        assert not is_name(path)
    assert "metrics.lifetime_value" in listed()
    values = spelled("customer", {"first_name": "Ann"})
    assert values["first_name"] == values["firstName"] == "Ann"
    assert values["city"] is None
    assert {is_name(("customer", name)) for name in values} == {True}
    assert set(spelled("brand", {})) == set(NAMES["brand"])


def test_a_message_has_a_subject_and_a_body() -> None:
    assert check_shape(Content(" Hello ", text="Hi")) == Content("Hello", text="Hi")
    assert [field for field, _ in Content("a", "b", "c").parts()] == ["subject", "html", "text"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (Content("Hello"), "html"),
        (Content("", text="x"), "subject"),
        (Content("Hello\r\nBcc: a@b.example", text="x"), "subject"),
        (Content("x" * 501, text="x"), "subject"),
        (Content("Hello", html="  "), "html"),
        (Content("Hello", html="<p>", text="a\x00b"), "text"),
        (Content("Hello", text="\ud800"), "text"),
        (Content("Hello", html="x" * (MAX_BODY + 1)), "html"),
    ],
)
def test_other_shapes_are_refused(content: Content, field: str) -> None:
    with pytest.raises(Refused) as refused:
        check_shape(content)
    assert (refused.value.code, refused.value.field) == ("INVALID", (field,))


def test_first_names() -> None:
    assert first_name("PERSON", " Ann  Lee") == "Ann"
    assert first_name("BUSINESS", "Ann Lee Ltd") == "Ann Lee Ltd"
    assert first_name("PERSON", None) is None
    assert first_name("PERSON", "  ") is None
