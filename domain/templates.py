"""Templates: what a message may say about its recipient, and the shape of its parts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain import values
from domain.refusals import Refused

MAX_SUBJECT = 500
MAX_BODY = 200_000

# The closed list of names; `{{ customer.first_name }}` and `{{ customer.firstName }}` mean the same.
NAMES: Mapping[str, tuple[str, ...]] = {
    "customer": (
        *("name", "first_name", "email", "phone", "external_id"),
        *("city", "state", "country", "locale", "loyalty_level"),
    ),
    "metrics": (
        *("lifetime_value", "order_count", "average_order_value", "appointment_count"),
        *("first_order_at", "last_order_at", "last_appointment_at", "last_activity_at"),
    ),
    "brand": ("name",),
    "organization": ("name", "currency"),
}
_CAPITAL = re.compile(r"[A-Z]")


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a message: as written, or as rendered for one recipient."""

    subject: str
    html: str | None = None
    text: str | None = None
    # What an app, a pass or a receiver is told besides, by name.
    data: Mapping[str, Any] | None = None

    def parts(self) -> Iterator[tuple[str, str]]:
        """Field and source of each part there is."""
        yield "subject", self.subject
        if self.html is not None:
            yield "html", self.html
        if self.text is not None:
            yield "text", self.text


def check_shape(content: Content) -> Content:
    """What can be said without reading the language: lengths, printable subject, some body; refuses INVALID.

    A line break in a subject would begin another header, e.g. `Bcc:`.
    """
    subject = values.line(content.subject, "subject", limit=MAX_SUBJECT)
    if content.html is None and content.text is None:
        raise Refused("INVALID", "A message needs an html or a text part.", ("html",))
    for field, source in list(content.parts())[1:]:
        values.text(source, field, limit=MAX_BODY)
    return replace(content, subject=subject)


def is_name(path: Sequence[Any]) -> bool:
    """Whether a template may say this, e.g. `("customer", "firstName")`."""
    if len(path) != 2 or not all(isinstance(part, str) for part in path):
        return False
    group, name = path
    return _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name) in NAMES.get(group, ())


def listed() -> str:
    """Every name, for people."""
    return ", ".join(f"{group}.{name}" for group, names in NAMES.items() for name in names)


def spelled(group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a group's names in both spellings; a name without a value renders as nothing."""
    return {spelling: given.get(name) for name in NAMES[group] for spelling in (name, _camel(name))}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def first_name(kind: str, name: str | None) -> str | None:
    """How to address a customer: a person by the first word of the name, a business by all of it."""
    if not name or not name.split():
        return None
    return name if kind == "BUSINESS" else name.split()[0]
