"""Text messages as networks count them: GSM 03.38 or UCS-2, whole or in segments that carry a header."""

from dataclasses import dataclass
from enum import StrEnum

# GSM 03.38, and the characters of its extension, which take two septets.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
# One message alone, and each of several: the header of a joined one takes the rest.
_ROOM = {"GSM_7": (160, 153), "UCS_2": (70, 67)}


class Encoding(StrEnum):
    GSM_7 = "GSM_7"
    UCS_2 = "UCS_2"


@dataclass(frozen=True, slots=True)
class Measure:
    """units: septets of GSM_7, 16-bit units of UCS_2. odd: the characters that GSM_7 does not have."""

    encoding: Encoding
    units: int
    segments: int
    odd: str


def measure(text: str) -> Measure:
    """How many segments a text takes: what it is billed by. A character is never split between two."""
    odd = "".join(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENDED))
    encoding = Encoding.UCS_2 if odd else Encoding.GSM_7
    sizes = [(2 if ord(c) > 0xFFFF else 1) if odd else (2 if c in _EXTENDED else 1) for c in text]
    units = sum(sizes)
    alone, joined = _ROOM[encoding]
    if units <= alone:
        return Measure(encoding, units, 1 if text else 0, odd)
    segments, used = 1, 0
    for size in sizes:
        if used + size > joined:
            segments, used = segments + 1, 0
        used += size
    return Measure(encoding, units, segments, odd)
