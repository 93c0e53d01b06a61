"""What a search looks for: words, each of which must be found."""

from domain.refusals import Rejected

# More than anybody types; each is a comparison with every row.
MAX_WORDS = 20


def words_of(search: str | None) -> list[str]:
    """The words of a search, each once; raises BAD_USER_INPUT for more than MAX_WORDS."""
    words = list(dict.fromkeys((search or "").split()))
    if len(words) > MAX_WORDS:
        raise Rejected("BAD_USER_INPUT", f"A search has at most {MAX_WORDS} words, not {len(words)}.")
    return words
