"""Who the demo's customers are: invented names, addresses that reach nobody, and what a shop knows of its people."""

import re
import unicodedata
from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mimesis import Person
from mimesis.enums import Gender
from mimesis.locales import Locale

from app.demo.kinds import Kind
from app.demo.places import COUNTRIES, City, Country, home, telephone

# RFC 2606 keeps these free: no mail to them arrives anywhere.
DOMAINS = ("example.com", "example.org", "example.net")
_SOURCES = ("friend", "search", "fair", "magazine", "walked by")
_UNFIT = re.compile("[^a-z0-9]+")
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l"})


class Crowd:
    """Makes one person after another; the n-th is always the same."""

    def __init__(self) -> None:
        self._names = {country.code: Person(Locale(country.names), seed=country.code) for country in COUNTRIES}
        self._taken: Counter[str] = Counter()

    def person(self, chance: Random, kind: Kind, now: datetime) -> dict[str, Any]:
        """A profile without external id and without the time of acquisition."""
        country, city = home(chance)
        business = chance.random() < 0.06
        name = self._company(country) if business else self._name(chance, country)
        return {
            "kind": "BUSINESS" if business else "PERSON",
            "name": name,
            "email": self._email(chance, name) if chance.random() < 0.96 else None,
            "phone": telephone(chance, city) if chance.random() < 0.7 else None,
            "date_of_birth": None if business or chance.random() < 0.25 else _birthday(chance, now),
            "loyalty_level": kind.value.level,
            "attributes": _known(chance, business=business),
            **_address(country, city),
        }

    def _name(self, chance: Random, country: Country) -> str:
        gender = chance.choice((Gender.FEMALE, Gender.MALE))
        names = self._names[country.code]
        return f"{names.first_name(gender)} {names.last_name(gender)}"

    def _company(self, country: Country) -> str:
        """A firm called after two people; lists of names that look made up turn out to be of real firms."""
        names = self._names[country.code]
        return f"{names.last_name()} & {names.last_name()} {country.firms}"

    def _email(self, chance: Random, name: str) -> str:
        """The name in ASCII, with a number from the second one on; nobody has the address of anybody else."""
        letters = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS)).encode("ascii", "ignore").decode()
        local = _UNFIT.sub(".", letters).strip(".") or "somebody"
        self._taken[local] += 1
        number = self._taken[local]
        return f"{local}{f'.{number}' if number > 1 else ''}@{chance.choice(DOMAINS)}"


def _birthday(chance: Random, now: datetime) -> Any:
    return (now - timedelta(days=chance.randint(19 * 365, 78 * 365))).date()


def _address(country: Country, city: City) -> dict[str, Any]:
    return {
        "city": city.name,
        "state": city.state,
        "country": country.code,
        "timezone": city.timezone,
        "locale": country.locale,
    }


def _known(chance: Random, *, business: bool) -> dict[str, Any]:
    """Attributes, which every organization chooses for itself."""
    known: dict[str, Any] = {"heardOfUs": chance.choice(_SOURCES)}
    if business:
        known["employees"] = chance.choice((3, 8, 15, 40, 120))
    elif chance.random() < 0.4:
        known["household"] = chance.randint(1, 5)
    return known
