"""Templates: what a message may say about its recipient, and the shape of its parts."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

from domain import values
from domain.consents import Channel
from domain.locales import choose
from domain.refusals import Refused

MAX_SUBJECT = 500
MAX_BODY = 200_000
MAX_SMS = 2_000
MAX_DATA = 50

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
    # Empty where the installation has no public address.
    "links": ("unsubscribe", "preferences", "confirm"),
}
_CAPITAL = re.compile(r"[A-Z]")
# Values that a call of messageSend gives; any name, and nothing where none of it was given.
GIVEN = "data"
MAX_GIVEN, MAX_GIVEN_TEXT = 50, 2_000
_GIVEN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a message: as written, or as rendered for one recipient.

    subject: of EMAIL; the title of PUSH, the header of WALLET, empty for SMS and WEBHOOK.
    text: what SMS, PUSH and WALLET say. data: what an app, a pass or a receiver is told besides, by name; `url` is what
    opens when somebody taps.
    """

    subject: str = ""
    html: str | None = None
    text: str | None = None
    data: Mapping[str, Any] | None = None
    # What a mail program shows beside the subject.
    preheader: str | None = None

    def parts(self) -> Iterator[tuple[str, str]]:
        """Field and source of each part there is that is one text."""
        yield "subject", self.subject
        if self.html is not None:
            yield "html", self.html
        if self.text is not None:
            yield "text", self.text
        if self.preheader is not None:
            yield "preheader", self.preheader

    def sources(self) -> Iterator[tuple[str, str]]:
        """The same, and each text in the data."""
        yield from self.parts()
        yield from (("data", text) for text in _texts(self.data))


@dataclass(frozen=True, slots=True)
class Localized:
    """A version of a template: what it says, and the same in other languages by canonical locale."""

    default: Content
    translations: Mapping[str, Content] = field(default_factory=dict)

    def spoken(self, locale: str | None) -> tuple[str | None, Content]:
        """What a customer of this locale gets: their locale, else their language, else the default (None)."""
        chosen = choose(locale, self.translations) if self.translations else None
        return (None, self.default) if chosen is None else (chosen, self.translations[chosen])


_PARTS = {
    Channel.EMAIL: {"subject", "html", "text", "preheader"},
    Channel.SMS: {"text"},
    Channel.PUSH: {"subject", "text", "data"},
    Channel.WALLET: {"subject", "text", "data"},
    Channel.WEBHOOK: {"data"},
}


def check_shape(content: Content, channel: Channel = Channel.EMAIL) -> Content:
    """What can be said without reading the language: lengths, printable subject, some body; refuses INVALID.

    A line break in a subject would begin another header, e.g. `Bcc:`.
    """
    given = {name for name, source in content.parts() if source or name != "subject"}
    given |= {"data"} if content.data is not None else set()
    for name in ("subject", "html", "text", "preheader", "data"):
        if name in given - _PARTS[channel]:
            raise Refused("INVALID", f"{channel} has no {name}.", (name,))
    subject = content.subject
    if "subject" in _PARTS[channel]:
        subject = values.line(subject, "subject", limit=MAX_SUBJECT)
    if channel is Channel.EMAIL and content.html is None and content.text is None:
        raise Refused("INVALID", "A message needs an html or a text part.", ("html",))
    if channel in (Channel.SMS, Channel.PUSH, Channel.WALLET) and content.text is None:
        raise Refused("INVALID", f"{channel} needs a text.", ("text",))
    if channel is Channel.WEBHOOK and content.data is None:
        raise Refused("INVALID", "WEBHOOK needs data.", ("data",))
    _check_bodies(content, channel)
    return replace(content, subject=subject)


def _check_bodies(content: Content, channel: Channel) -> None:
    for name, source in content.parts():
        if name == "preheader":
            values.line(source, name, limit=MAX_SUBJECT)
        elif name != "subject":
            values.text(source, name, limit=MAX_BODY if channel is Channel.EMAIL else MAX_SMS)
    if content.data is not None:
        values.properties(content.data, "data")
        if len(list(_texts(content.data))) > MAX_DATA:
            raise Refused("INVALID", f"There may be {MAX_DATA} texts in data at most.", ("data",))
        if channel is not Channel.WEBHOOK and not all(isinstance(value, str) for value in content.data.values()):
            raise Refused("INVALID", f"What {channel} is told are texts.", ("data",))


def _texts(value: Any) -> Iterator[str]:
    """The texts in data, in the order in which they are written."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def is_name(path: Sequence[Any]) -> bool:
    """Whether a template may say this, e.g. `("customer", "firstName")`."""
    if len(path) != 2 or not all(isinstance(part, str) for part in path):
        return False
    group, name = path
    if group == GIVEN:
        return bool(_GIVEN_NAME.fullmatch(name))
    return _snake(name) in NAMES.get(group, ())


def listed() -> str:
    """Every name, for people."""
    named = ", ".join(f"{group}.{name}" for group, names in NAMES.items() for name in names)
    return f"{named}, and {GIVEN}.* as messageSend gives it"


def spelled(group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a group's names in both spellings; a name without a value renders as nothing."""
    return {spelling: given.get(name) for name in NAMES[group] for spelling in (name, _camel(name))}


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)


@cache
def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def first_name(kind: str, name: str | None) -> str | None:
    """How to address a customer: a person by the first word of the name, a business by all of it."""
    if not name or not name.split():
        return None
    return name if kind == "BUSINESS" else name.split()[0]


def known(customer: Mapping[str, Any], zone: tzinfo) -> dict[str, dict[str, Any]]:
    """What a template may say about a customer; instants are told in this zone."""
    told: dict[str, Any] = {
        name: value.astimezone(zone) if isinstance(value, datetime) else value for name, value in customer.items()
    }
    told["first_name"] = first_name(told["kind"], told["name"])
    return {group: spelled(group, told) for group in ("customer", "metrics")}


@dataclass(frozen=True, slots=True)
class Asked:
    """The names that a message asks for about its customer: group, as it is written there, and as it is called here."""

    names: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, written: Iterable[str]) -> "Asked":
        """written: such as `customer.firstName`; those of other groups are left out."""
        split = (name.partition(".")[::2] for name in sorted(written))
        return cls(tuple((group, name, _snake(name)) for group, name in split if group in ("customer", "metrics")))

    def known(self, customer: Any, zone: tzinfo) -> dict[str, dict[str, Any]]:
        """As `known`, of an object with these attributes."""
        told: dict[str, dict[str, Any]] = {"customer": {}, "metrics": {}}
        for group, written, name in self.names:
            value = first_name(customer.kind, customer.name) if name == "first_name" else getattr(customer, name)
            told[group][written] = value.astimezone(zone) if isinstance(value, datetime) else value
        return told


def given(values: object, *field: str) -> dict[str, Any]:
    """Values for `data.*`: names with texts, numbers or truths; refuses INVALID."""
    if not isinstance(values, dict):
        raise Refused("INVALID", "This must be a JSON object.", field)
    if len(values) > MAX_GIVEN:
        raise Refused("INVALID", f"At most {MAX_GIVEN} values.", field)
    for name, value in values.items():
        if not _GIVEN_NAME.fullmatch(name):
            raise Refused("INVALID", "A name has 1 to 50 letters, digits and underscores, a letter first.", field)
        plain = value is None or isinstance(value, bool | int | float)
        if not plain and not (isinstance(value, str) and len(value) <= MAX_GIVEN_TEXT and "\0" not in value):
            message = f"{name} must be a text of at most {MAX_GIVEN_TEXT} characters, a number, true, false or null."
            raise Refused("INVALID", message, field)
    return dict(values)
