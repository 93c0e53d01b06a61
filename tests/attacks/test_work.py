"""What refusing a document costs, in steps that can be counted: a shared machine's clock says another thing daily."""

import sys
from types import FrameType
from typing import Any

import pytest
from graphql import GraphQLError, Lexer, Source, TokenKind

from schema import documents as reading
from schema.documents import Document, read_document
from schema.limits.text import count_tokens
from tests.attacks.corpus import documents

# Calls, of Python and of C, from the text to the refusal. A core of 2026 makes about 16,000 of them in a millisecond,
# so that this is 50 ms; `make bench ARGS=--refusals` says what it is here.
MOST_CALLS = 800_000
TEXTS = documents()


def read(text: str) -> Document | GraphQLError:
    read_document.cache_clear()
    try:
        return read_document(text)
    except GraphQLError as error:
        return error


def calls(text: str) -> int:
    counted = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read(text)
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_document_is_read_or_refused_in_so_many_steps(name: str) -> None:
    assert calls(TEXTS[name]) < MOST_CALLS / 2


def test_what_is_long_never_reaches_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    long = {name: text for name, text in TEXTS.items() if len(text) > 64_000}
    assert len(long) > 5
    many = TEXTS["G1: 2,001 tokens"]
    parsed: list[str] = []
    monkeypatch.setattr(reading, "parse", lambda text, **_: parsed.append(text))
    for text in [*long.values(), many]:
        assert isinstance(read(text), GraphQLError)
    assert parsed == []


ODD = {
    "strings": '{ a(b: "x { } \\" y", c: """ " "" \\""" {} """, d: "") }',
    "every kind": "query Q($n: [Int!] = [1, -2.5e3]) @d { a ...F } # { } {",
    "nothing": "# nothing\n,",
}


@pytest.mark.parametrize("name", sorted([*ODD, *(name for name in TEXTS if len(TEXTS[name]) < 64_000)]))
def test_tokens_are_counted_as_the_lexer_counts_them(name: str) -> None:
    text = ODD[name] if name in ODD else TEXTS[name]
    lexer, tokens = Lexer(Source(text)), 0
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            tokens += 1
    except GraphQLError:
        assert name == "G1: text that does not end"
        return
    assert count_tokens(text, 1_000_000) == tokens
