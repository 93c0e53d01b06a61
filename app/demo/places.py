"""Where the demo's people live: real cities, and telephone numbers that are reserved for fiction."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class City:
    """`phones` are the beginning of its numbers: what is free after it has `digits` digits."""

    name: str
    state: str | None
    timezone: str
    phones: str
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Country:
    """`names` is the locale of its people's names, `firms` how theirs end; `share` of a hundred live there."""

    code: str
    locale: str
    names: str
    firms: str
    share: int
    cities: tuple[City, ...]


# North America: 555-01xx of each area. Elsewhere the numbers that Ofcom (020 7946 0xxx ...), the Bundesnetzagentur,
# Arcep (01 99 00 ...), PTS and ACMA keep free for films and books.
COUNTRIES = (
    Country(
        *("US", "en-US", "en", "LLC", 40),
        (
            City("New York", "NY", "America/New_York", "+121255501"),
            City("Chicago", "IL", "America/Chicago", "+131255501"),
            City("Seattle", "WA", "America/Los_Angeles", "+120655501"),
            City("Austin", "TX", "America/Chicago", "+151255501"),
            City("Portland", "OR", "America/Los_Angeles", "+150355501"),
        ),
    ),
    Country(
        *("GB", "en-GB", "en-gb", "Ltd", 15),
        (
            City("London", None, "Europe/London", "+442079460", 3),
            City("Leeds", None, "Europe/London", "+441134960", 3),
            City("Edinburgh", None, "Europe/London", "+441314960", 3),
        ),
    ),
    Country(
        *("DE", "de-DE", "de", "GmbH", 18),
        (
            City("Berlin", "BE", "Europe/Berlin", "+493023125", 3),
            City("Hamburg", "HH", "Europe/Berlin", "+494066969", 3),
            City("München", "BY", "Europe/Berlin", "+498999998", 3),
            City("Köln", "NW", "Europe/Berlin", "+492214710", 3),
        ),
    ),
    Country(
        *("FR", "fr-FR", "fr", "SARL", 10),
        (
            City("Paris", None, "Europe/Paris", "+3319900", 4),
            City("Lyon", None, "Europe/Paris", "+3346571", 4),
            City("Bordeaux", None, "Europe/Paris", "+3353649", 4),
        ),
    ),
    Country(
        *("SE", "sv-SE", "sv", "AB", 7),
        (
            City("Stockholm", None, "Europe/Stockholm", "+468465004"),
            City("Göteborg", None, "Europe/Stockholm", "+463139006"),
        ),
    ),
    Country(
        *("CA", "en-CA", "en", "Inc.", 6),
        (
            City("Toronto", "ON", "America/Toronto", "+141655501"),
            City("Montréal", "QC", "America/Toronto", "+151455501"),
        ),
    ),
    Country(
        *("AU", "en-AU", "en-au", "Pty Ltd", 4),
        (
            City("Sydney", "NSW", "Australia/Sydney", "+6125550", 4),
            City("Melbourne", "VIC", "Australia/Melbourne", "+6135550", 4),
        ),
    ),
)
_SHARES = [country.share for country in COUNTRIES]


def home(chance: Random) -> tuple[Country, City]:
    """Where somebody lives; the first city of a country is its largest."""
    [country] = chance.choices(COUNTRIES, _SHARES)
    return country, country.cities[min(chance.randrange(len(country.cities)), chance.randrange(len(country.cities)))]


def telephone(chance: Random, city: City) -> str:
    return f"{city.phones}{chance.randrange(10**city.digits):0{city.digits}}"
