"""Words by which people who answer a text message say to stop, or to begin again."""

from enum import StrEnum
from unicodedata import normalize


class Keyword(StrEnum):
    STOP = "STOP"
    START = "START"


_STOP = frozenset(
    [
        "stop",
        "stopall",
        "stopp",
        "unsubscribe",
        "cancel",
        "end",
        "quit",
        "revoke",
        "optout",
        "abmelden",
        "arret",
        "desabonner",
        "alto",
        "baja",
        "cancella",
    ]
)
_START = frozenset(["start", "unstop", "yes", "subscribe", "anmelden"])


def keyword(text: str) -> Keyword | None:
    """What the whole text says, whatever its case, accents and punctuation; a word within a sentence says nothing."""
    word = "".join(mark for mark in normalize("NFKD", text).casefold() if mark.isalnum())
    if word in _STOP:
        return Keyword.STOP
    return Keyword.START if word in _START else None
