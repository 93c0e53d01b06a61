"""Signed texts: what was signed comes back, and nothing else is taken for it."""

from hypothesis import given
from hypothesis import strategies as st

from domain.signed import read_signed, sign

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.binary(max_size=64))
def test_the_payload_comes_back_under_any_known_secret(payload: bytes) -> None:
    assert read_signed([NEW, OLD], "click", sign(OLD, "click", payload)) == payload


@given(st.binary(max_size=32), st.data())
def test_no_changed_text_is_taken(payload: bytes, data: st.DataObject) -> None:
    token = sign(NEW, "click", payload)
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(max_codepoint=0x17F).filter(lambda letter: letter != token[position]))
    assert read_signed([NEW], "click", token[:position] + other + token[position + 1 :]) is None


def test_another_purpose_or_secret_is_refused() -> None:
    token = sign(NEW, "click", b"message")
    assert read_signed([NEW], "open", token) is None
    assert read_signed([OLD], "click", token) is None
    for text in ("", ".", "a", "a.b.c", "é.é", token + "=", token + "."):
        assert read_signed([NEW], "click", text) is None
