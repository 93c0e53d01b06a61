"""What public pages say, in the languages that there are: a file of texts for each, all with the same keys."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from domain.locales import accepted, choose

LANGUAGES = Path(__file__).parent / "languages"
DEFAULT = "en"
_GAP = re.compile(r"\{(\w+)\}")


class Html(str):
    """HTML of ours, to stand in a text as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """One language; `dir` is which way it is written, `ltr` or `rtl`."""

    language: str
    dir: str
    said: Mapping[str, str]

    def plain(self, key: str, **values: str) -> str:
        """A text without any markup, for a title."""
        return _GAP.sub(lambda gap: values[gap[1]], self.said[key])

    def html(self, key: str, **values: str) -> str:
        """A text as HTML. Values are escaped, and stand apart: they may be written the other way."""
        parts = _GAP.split(self.said[key])
        return "".join(_set(values[part]) if at % 2 else escape(part) for at, part in enumerate(parts))


def _set(value: str) -> str:
    return value if isinstance(value, Html) else f"<bdi>{escape(value)}</bdi>"


@cache
def every() -> Mapping[str, Texts]:
    """By language."""
    return {file.stem: _read(file) for file in sorted(LANGUAGES.glob("*.json"))}


def texts(locale: str | None, accept_language: str | None) -> Texts:
    """In the customer's language as far as it is spoken, else the browser's, else English."""
    for wanted in (locale, *accepted(accept_language)):
        found = choose(wanted, every())
        if found is not None:
            return every()[found]
    return every()[DEFAULT]


def _read(file: Path) -> Texts:
    said: dict[str, str] = json.loads(file.read_text())
    return Texts(file.stem, said.pop("dir"), said)
