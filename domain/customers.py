"""Customers: how a caller names one, and what their profile may say."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain import values
from domain.refusals import Refused

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TOP_LABEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]+[a-z]")
# IDNA 2003, which the standard library speaks, maps these to other letters: the mail would go to another domain.
_AMBIGUOUS = re.compile("[\u00df\u03c2\u200c\u200d]")
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
# Whoever calls or writes to these pays for it: nobody's own number. Of the countries where a prefix says it for sure.
_PREMIUM_RATE = ("+979", "+1900", "+4490", "+4491", "+4498", "+49900", "+41900", "+41901", "+41906", "+43900", "+43901")
_PHONE_PUNCTUATION = re.compile(r"[\s().\-/]")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")


class CustomerKind(StrEnum):
    PERSON = "PERSON"
    BUSINESS = "BUSINESS"


@dataclass(frozen=True, slots=True)
class CustomerReference:
    """How a caller names a customer: exactly one of the three is set."""

    id: UUID | None = None
    external_id: str | None = None
    email: str | None = None

    def __post_init__(self) -> None:
        if (self.id, self.external_id, self.email).count(None) != 2:
            message = "a reference is an id, an external id or an e-mail address"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What shall be true of a customer from now on: only the fields given, None clears one.

    Made by `profile_change`; the keys of `fields` are columns of the customer table. new_id: of the customer it may
    make, one of its own without it.
    """

    customer: CustomerReference
    fields: Mapping[str, Any]
    new_id: UUID | None = None


def profile_change(
    customer: CustomerReference, fields: Mapping[str, object], *, new_id: UUID | None = None
) -> ProfileChange:
    """Checks and normalises each field; refuses INVALID and UNKNOWN_FIELD with the field's name as path."""
    return ProfileChange(customer, {name: _checked(name, value) for name, value in fields.items()}, new_id)


def _checked(name: str, value: object) -> Any:
    if name not in PROFILE_FIELDS:
        raise Refused("UNKNOWN_FIELD", f"A customer has no field {name}.", (name,))
    if value is None:
        if name in REQUIRED_FIELDS:
            raise Refused("INVALID", f"{name} cannot be cleared.", (name,))
        return None
    return PROFILE_FIELDS[name](value, name)


def email(value: object, *field: str) -> str:
    """An address in lower case with the domain in ASCII; refuses INVALID.

    Narrower than RFC 5322 by intent: no quoted or non-ASCII local part, no IP literal, no name around the address.
    """
    text = values.line(value, *field, limit=254)
    local, _, domain = text.rpartition("@")
    address = f"{local.lower()}@{_ascii(domain.lower())}"
    if not _LOCAL.fullmatch(local.lower()) or len(local) > 64 or len(address) > 254 or not _is_domain(domain.lower()):
        raise Refused("INVALID", "This is not an e-mail address such as ada@example.com.", field)
    return address


def _is_domain(domain: str) -> bool:
    labels = _ascii(domain).split(".")
    return len(labels) >= 2 and all(map(_LABEL.fullmatch, labels)) and bool(_TOP_LABEL.fullmatch(labels[-1]))


def _ascii(domain: str) -> str:
    """The domain in IDNA; empty when it has none, or when a label mixes alphabets to look like another."""
    if domain.isascii():
        return domain
    labels = domain.split(".")
    # In ASCII a hyphen at a label's edge would be hidden by the prefix of IDNA.
    if _AMBIGUOUS.search(domain) or any(len(_alphabets(label)) > 1 or label != label.strip("-") for label in labels):
        return ""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return ""


def _alphabets(label: str) -> set[str]:
    names = (unicodedata.name(letter, "UNKNOWN").split()[0] for letter in label if letter.isalpha())
    # Japanese writes with three scripts and Latin at once, Korean with two; none of them looks like Latin.
    return {name for name in names if name not in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")}


def phone(value: object, *field: str) -> str:
    """A number in E.164, from an international number in any usual spelling; refuses INVALID."""
    text = _PHONE_PUNCTUATION.sub("", values.line(value, *field, limit=50))
    number = "+" + text[2:] if text.startswith("00") else text
    if not _PHONE.fullmatch(number):
        raise Refused("INVALID", "A phone number begins with + and the country, e.g. +491701234567.", field)
    if number.startswith(_PREMIUM_RATE):
        raise Refused("INVALID", "Calls and messages to this number cost extra: it is nobody's own.", field)
    return number


def day(value: object, *field: str) -> date:
    """A day of the calendar, from a date or YYYY-MM-DD; refuses INVALID."""
    try:
        read = date.fromisoformat(value.strip()) if isinstance(value, str) and _DAY.fullmatch(value.strip()) else value
        if type(read) is not date or not values.FIRST_YEAR <= read.year < values.LAST_YEAR:
            raise ValueError(value)
    except ValueError as error:
        raise Refused("INVALID", "A day is written as 2026-01-31.", field) from error
    return read


def kind(value: object, *field: str) -> str:
    try:
        return CustomerKind(str(value).strip().upper()).value
    except ValueError as error:
        raise Refused("INVALID", "A customer is a PERSON or a BUSINESS.", field) from error


def timezone(value: object, *field: str) -> str:
    """A zone of the IANA database; refuses INVALID."""
    name = values.line(value, *field, limit=50)
    try:
        if not _ZONE.fullmatch(name):
            raise ValueError(name)
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError) as error:
        raise Refused("INVALID", "A time zone is named as in Europe/Berlin.", field) from error


def locale(value: object, *field: str) -> str:
    name = values.line(value, *field, limit=35).replace("_", "-")
    if not _LOCALE.fullmatch(name):
        raise Refused("INVALID", "A locale is a language tag such as de-DE.", field)
    return name


def country(value: object, *field: str) -> str:
    code = values.line(value, *field).upper()
    if not _COUNTRY.fullmatch(code):
        raise Refused("INVALID", "A country is a two-letter code such as DE.", field)
    return code


PROFILE_FIELDS: dict[str, Callable[..., Any]] = {
    "kind": kind,
    "external_id": values.line,
    "name": values.line,
    "email": email,
    "phone": phone,
    "date_of_birth": day,
    "timezone": timezone,
    "locale": locale,
    "loyalty_level": values.line,
    "city": values.line,
    "state": values.line,
    "country": country,
    "attributes": values.properties,
    "acquired_at": values.instant,
}
REQUIRED_FIELDS = frozenset({"kind", "attributes", "acquired_at"})


NEW_PROFILE: Mapping[str, Any] = dict.fromkeys(PROFILE_FIELDS) | {"kind": CustomerKind.PERSON.value, "attributes": {}}


def changed(profile: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The profile with these fields set; attributes are merged by key, and one that is None is removed."""
    attributes = {**profile["attributes"], **fields.get("attributes", {})}
    kept = {key: value for key, value in attributes.items() if value is not None}
    return {**profile, **fields, "attributes": kept}
