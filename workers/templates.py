"""Rendering messages with Liquid, reduced until its cost is linear: no loops, no assignment, few filters."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from liquid import Environment, StrictUndefined
from liquid.exceptions import LiquidError

from domain import templates
from domain.consents import Channel
from domain.previews import Shown
from domain.refusals import Refused
from domain.templates import Content
from workers.parts import Prepared, finished, introduced, prepared
from workers.pieces import Pieces

MAX_MARKUP = 500
MAX_MARKUP_LENGTH = 500
# What is read and evaluated is what costs: all of it together, in characters.
MAX_MARKUP_TOTAL = 20_000
MAX_OUTPUT = 1_000_000

_TAGS = frozenset({"if", "elsif", "else", "endif", "unless", "endunless", "case", "when", "endcase"})
# Liquid's own; its arithmetic is left out because it counts in floats, and its `date` because it reads the clock.
_KEPT = frozenset(
    {"append", "capitalize", "default", "downcase", "escape", "newline_to_br", "prepend", "squish", "strip"}
    | {"truncate", "truncatewords", "upcase", "url_encode"}
)
_TAG_NAME = re.compile(r"\{%-?\s*(\w*)")
_MARKS = re.compile(r"\{\{|\{%|\}\}|%\}")
_CLOSES = {"{{": "}}", "{%": "%}"}
_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class _Language(Environment):
    output_stream_limit = MAX_OUTPUT
    context_depth_limit = 30
    loop_iteration_limit = 1


def _date(value: object, pattern: str = "%Y-%m-%d") -> str:
    """An instant by the pattern of strftime; nothing for nothing."""
    if value is None:
        return ""
    if not isinstance(value, datetime):
        raise TypeError(value)
    return value.strftime(pattern)


def _round(value: object, digits: int = 0) -> str:
    """A number with 0 to 6 decimals, half away from zero; nothing for nothing."""
    if value is None:
        return ""
    if not isinstance(value, int | Decimal) or not 0 <= digits <= 6:
        raise TypeError(value)
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


_OWN: dict[str, Callable[..., Any]] = {"date": _date, "round": _round}


def _language(*, escapes: bool) -> Environment:
    language = _Language(autoescape=escapes, undefined=StrictUndefined)
    # What the parser itself needs, and the tags that begin a block; `else` and the like belong to those.
    kept = _TAGS | {"content", "output", "illegal"}
    language.tags = {name: tag for name, tag in language.tags.items() if name in kept}
    language.filters = {name: filter_ for name, filter_ in language.filters.items() if name in _KEPT} | _OWN
    return language


_HTML = _language(escapes=True)
_TEXT = _language(escapes=False)


def check(content: Content, channel: Channel = Channel.EMAIL) -> None:
    """Refuses INVALID for a wrong shape and TEMPLATE_ERROR, with the part as field, for what could not be rendered."""
    templates.check_shape(content, channel)
    for values in (_SAMPLE, _NOTHING_KNOWN):
        render(content, values)


@dataclass(frozen=True, slots=True)
class Writing:
    """A message read once, to be rendered for many."""

    source: Content
    parts: tuple[tuple[str, Pieces], ...]
    prepared: Prepared | None

    def render(self, values: Mapping[str, Any]) -> Content:
        """The message for one recipient; `values` by group, at least the names it asks for. Refuses TEMPLATE_ERROR.

        Values are data: markup in a customer's name is neither evaluated nor, in HTML, markup any more.
        """
        if type(values.get(templates.GIVEN)) is not Given:
            values = {**values, templates.GIVEN: Given(values.get(templates.GIVEN) or {})}
        done = {field: _written(field, part, values) for field, part in self.parts}
        html, text = done.get("html"), done.get("text")
        # A line break in a value would begin another header.
        subject, preheader = _line(done.get("subject")), _line(done.get("preheader"))
        if html is not None and self.prepared is not None:
            if not self.prepared.settled:
                html, text = finished(html, text)
            if self.source.text is None:
                # A link that leads nowhere here.
                text = text.replace(" ()", "") if text else text
            html = introduced(html, preheader)
        data = None if self.source.data is None else _filled(self.source.data, values)
        return Content(subject, html, text, data, preheader or None)


def _line(text: str | None) -> str:
    if not text:
        return ""
    # Of all that is replaced, one space alone can be printed.
    plain = "  " not in text and text.isprintable()
    return (text if plain else _SPACES.sub(" ", text)).strip()


def reading(content: Content) -> Writing:
    """Does once what is the same for all recipients; refuses TEMPLATE_ERROR."""
    settled, source = None, content
    if content.html is not None:
        # Found well-formed first: what looks for its marks would go back over those left open.
        _read("html", content.html)
        settled = prepared(content.html, content.text)
        content = replace(content, html=settled.html, text=settled.text)
    return Writing(source, tuple((field, _read(field, part)) for field, part in content.parts()), settled)


def render(content: Content, values: Mapping[str, Any]) -> Content:
    """The message for one recipient, see `Writing`; who writes to many keeps what `reading` answers."""
    return reading(content).render(values)


class Given(dict[str, Any]):
    """What was not given renders as nothing, where any other unknown name is a mistake."""

    def __missing__(self, name: str) -> None:
        return None


def unknown_names(content: Content, values: Mapping[str, Any]) -> list[str]:
    """The names a message asks for that have no value here, sorted."""
    paths = {
        tuple(path)
        for field, source in content.sources()
        for path in compiled(field == "html", source).template.global_variable_segments()
    }
    named = {f"{path[0]}.{path[1]}" for path in paths if values.get(str(path[0]), {}).get(str(path[1])) in (None, "")}
    return sorted(named)


def names_in(content: Content) -> set[str]:
    """The names a message asks for, as written; refuses TEMPLATE_ERROR."""
    sources = content.sources()
    found = [_read(field, source).template.global_variable_segments() for field, source in sources]
    return {f"{path[0]}.{path[1]}" for paths in found for path in paths}


def show(content: Content, values: Mapping[str, Any]) -> Shown:
    """The message as one recipient would get it, with what to say about it; refuses TEMPLATE_ERROR."""
    return Shown(render(content, values), frozenset(names_in(content)), unknown_names(content, values))


def _filled(data: Any, values: Mapping[str, Any]) -> Any:
    """Data with each of its texts rendered; it keeps its shape, whatever the values are."""
    match data:
        case str():
            return _written("data", _read("data", data), values)
        case Mapping():
            return {name: _filled(inner, values) for name, inner in data.items()}
        case list():
            return [_filled(inner, values) for inner in data]
    return data


def _written(field: str, part: Pieces, values: Mapping[str, Any]) -> str:
    try:
        return part.render(values)
    except LiquidError as error:
        raise _wrong(field, error.message or type(error).__name__) from error
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
        # A filter on a value it was not made for, e.g. a date of a name.
        raise _wrong(field, type(error).__name__) from error


def _read(field: str, source: str) -> Pieces:
    try:
        return compiled(field == "html", source)
    except LiquidError as error:
        raise _wrong(field, error.message or type(error).__name__) from error
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
        raise _wrong(field, type(error).__name__) from error


def _wrong(field: str, reason: object) -> Refused:
    return Refused("TEMPLATE_ERROR", f"The {field} part cannot be rendered: {str(reason)[:300]}", (field,))


@lru_cache(maxsize=64)
def compiled(escapes: bool, source: str) -> Pieces:
    """A part as the language reads it; raises LiquidError for what it cannot, or may not, say."""
    _scan(source)
    template = (_HTML if escapes else _TEXT).from_string(source)
    used = template.analyze()
    unknown = [str(path) for path in template.global_variable_paths()]
    paths = template.global_variable_segments()
    wrong = [text for text, path in zip(unknown, paths, strict=True) if not templates.is_name(path)]
    if wrong:
        message = f"{wrong[0][:60]} is not one of {templates.listed()}"
        raise LiquidError(message, token=None)
    for name in used.filters:
        if name not in template.env.filters:
            message = f"there is no filter {name}; there are {', '.join(sorted(template.env.filters))}"
            raise LiquidError(message, token=None)
    return Pieces(template)


def _scan(source: str) -> None:
    """Refuses what the parser is slow at: its expressions go back over the whole source for each mark left open."""
    count = total = 0
    opened = None
    for mark in _MARKS.finditer(source):
        if opened is None:
            # Two closing braces may be CSS.
            opened = mark if mark[0] in _CLOSES else None
            continue
        if mark[0] != _CLOSES[opened[0]] or mark.end() - opened.start() > MAX_MARKUP_LENGTH:
            break
        count += 1
        total += mark.end() - opened.start()
        _check_tag(source, opened)
        opened = None
    if opened is not None:
        line = source.count("\n", 0, opened.start()) + 1
        message = (
            f"line {line}: {opened[0]} is not closed by {_CLOSES[opened[0]]} within {MAX_MARKUP_LENGTH} characters"
        )
        raise LiquidError(message, token=None)
    if count > MAX_MARKUP:
        message = f"{count} variables and tags, but at most {MAX_MARKUP} are allowed"
        raise LiquidError(message, token=None)
    if total > MAX_MARKUP_TOTAL:
        message = f"variables and tags of {total} characters, but at most {MAX_MARKUP_TOTAL} are allowed"
        raise LiquidError(message, token=None)


def _check_tag(source: str, opened: re.Match[str]) -> None:
    found = _TAG_NAME.match(source, opened.start())
    if found and found[1] not in _TAGS:
        message = f"there is no tag {found[1] or '%'}; there are {', '.join(sorted(_TAGS))}"
        raise LiquidError(message, token=None)


_INSTANT = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
_SAMPLES: dict[str, Any] = {
    **dict.fromkeys(["first_order_at", "last_order_at", "last_appointment_at", "last_activity_at"], _INSTANT),
    **dict.fromkeys(["lifetime_value", "average_order_value"], Decimal("1234.50")),
    **dict.fromkeys(["order_count", "appointment_count"], 3),
}
_SAMPLE = {
    group: templates.spelled(group, {name: _SAMPLES.get(name, f"<{name}>") for name in names})
    for group, names in templates.NAMES.items()
}
_NOTHING_KNOWN = {group: templates.spelled(group, {}) for group in templates.NAMES}
