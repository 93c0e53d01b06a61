"""Locales: which of several languages somebody is written to in."""

import re
from collections.abc import Iterable, Iterator

from domain import customers
from domain.refusals import Refused

MAX_LOCALES = 50
_Q = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def canonical(given: str, *field: str) -> str:
    """A locale as it is stored, e.g. `de-AT` for `DE_at`; refuses INVALID."""
    first, *rest = customers.locale(given, *field).split("-")
    # RFC 5646: regions in capitals, scripts in title case, everything else small.
    told = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part.lower() for part in rest]
    return "-".join([first.lower(), *told])


def chain(locale: str | None) -> Iterator[str]:
    """From the locale itself to its language alone: `zh-Hant-TW`, `zh-Hant`, `zh`."""
    parts = (locale or "").replace("_", "-").split("-")
    for count in range(len(parts), 0, -1):
        name = "-".join(parts[:count])
        if name:
            yield name


def choose(locale: str | None, available: Iterable[str]) -> str | None:
    """The first of the chain that there is, whatever its capitals; None: what is said when nothing fits."""
    known = {name.lower(): name for name in available}
    return next((known[name.lower()] for name in chain(locale) if name.lower() in known), None)


def accepted(header: str | None) -> list[str]:
    """The languages of an Accept-Language header, the dearest first (RFC 9110); at most 20 are looked at."""
    weighed = []
    for given in (header or "")[:1_000].split(",")[:20]:
        name, _, parameter = given.partition(";")
        weight = _weight(parameter)
        if name.strip() and weight > 0:
            weighed.append((weight, name.strip()))
    return [name for _, name in sorted(weighed, key=lambda one: -one[0])]


def _weight(parameter: str) -> float:
    found = _Q.fullmatch(parameter.strip())
    return float(found[1]) if found else 0.0 if parameter.strip() else 1.0


def check_locales(given: Iterable[str], *field: str) -> list[str]:
    """Each of them canonical; refuses INVALID for one that is there twice, or too many."""
    names = [canonical(name, *field, str(index), "locale") for index, name in enumerate(given)]
    if len(names) > MAX_LOCALES:
        raise Refused("INVALID", f"A template speaks {MAX_LOCALES} languages at most.", field)
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Refused("INVALID", f"{name} is there twice.", (*field, str(index), "locale"))
    return names
