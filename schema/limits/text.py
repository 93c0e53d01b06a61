"""The size of a document before anything parses it: one linear scan, because a parser in Python is the dear part."""

import re

from schema.limits.bounds import Bounds
from schema.limits.measure import too_much

# Texts and comments are one token each, or none. Possessive, so that nothing is ever looked at twice.
_TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\"""|\\|"(?!""))*+"""'
    r'|"(?:[^"\\\n\r]++|\\.)*+"'
    r"|#[^\n\r]*+"
    r"|[A-Za-z_][A-Za-z0-9_]*+"
    r"|-?[0-9][0-9.eE+-]*+"
    r"|\.\.\."
    r"|[!$&()\[\]{}:=@|?]"
)


def check_text(text: str, bounds: Bounds) -> None:
    """Raises GraphQLError with MAX_TOKENS_EXCEEDED for more characters or tokens than a document may have."""
    if len(text) > bounds.characters:
        message = f"The document has {len(text):,} characters; the most is {bounds.characters:,}: use variables."
        raise too_much("TOKENS", message)
    if count_tokens(text, bounds.tokens) > bounds.tokens:
        raise too_much("TOKENS", f"The document has more than {bounds.tokens:,} tokens.")


def price_of_refusal(text: str) -> int:
    """Points for a document that is not run: reading it takes the longer the more there is of it."""
    return 10 + len(text) // 50


def count_tokens(text: str, most: int) -> int:
    """How many there are, and no more than one beyond `most`; what is no GraphQL counts as little as it can."""
    count = 0
    for found in _TOKEN.finditer(text):
        if text[found.start()] != "#":
            count += 1
            if count > most:
                break
    return count
