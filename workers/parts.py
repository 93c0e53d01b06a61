"""What a mail's parts need besides the language: styles in the elements, a text part, the line beside the subject."""

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from domain.refusals import Refused
from workers.markup import check_markup, plain
from workers.styles import styled

_OUTPUT = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MASK = "wayfaremark"
_MASKED = re.compile(rf"{_MASK}(\d+)x")
_BEGINS = re.compile(r"<body\b[^>]*>|</head\s*>|<html\b[^>]*>|<!doctype\b[^>]*>", re.IGNORECASE)
_HIDDEN = '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0">{}</div>'


@dataclass(frozen=True, slots=True)
class Prepared:
    """Sources of a mail's parts. settled: its structure is the same for everybody, so nothing is left to do later."""

    html: str
    text: str | None
    settled: bool


@lru_cache(maxsize=64)
def prepared(html: str, text: str | None) -> Prepared:
    """Does what can be done once for all recipients; refuses INVALID with the part as field.

    Values cannot open a tag, so where no tag of the language decides what there is, all is as in the source.
    """
    if "{%" in html or "newline_to_br" in html or _MASK in html:
        return Prepared(html, text, settled=False)
    marks: list[str] = []

    def mask(found: re.Match[str]) -> str:
        marks.append(found[0])
        return f"{_MASK}{len(marks) - 1}x"

    done, derived = finished(_OUTPUT.sub(mask, html), None)

    def bare(source: str) -> str:
        return _MASKED.sub(lambda found: marks[int(found[1])], source)

    return Prepared(bare(done), bare(derived) if text is None else text, settled=True)


def finished(html: str, text: str | None) -> tuple[str, str]:
    """The HTML part with its styles inlined, and the text part, made from it if there is none; refuses INVALID."""
    try:
        check_markup(html)
        return styled(html), plain(html) if text is None else text
    except Refused as refusal:
        raise refusal.under("html") from None


def introduced(html: str, preheader: str | None) -> str:
    """With the line that mail programs show beside the subject, hidden at the beginning of the body."""
    if not preheader:
        return html
    begins = list(_BEGINS.finditer(html[:20_000]))
    body = [found for found in begins if found[0][:5].lower() == "<body"] or begins[-1:]
    at = body[0].end() if body else 0
    return html[:at] + _HIDDEN.format(escape(preheader)) + html[at:]
