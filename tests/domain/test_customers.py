"""Profiles: normalised once, refused with the field's name; e-mail and phone agree with the libraries of the field."""

from datetime import date
from random import Random

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain import customers
from domain.customers import CustomerReference, email, phone, profile_change
from domain.refusals import Refused

SOMEBODY = CustomerReference(external_id="a")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (" Ada.Lovelace+x@Example.COM ", "ada.lovelace+x@example.com"),
        ("post@müller.example", "post@xn--mller-kva.example"),
        ("a@日本語です.jp", "a@xn--88j1a3535ancbk91h.jp"),
        ("a@xn--mller-kva.example", "a@xn--mller-kva.example"),
    ],
)
def test_an_address_is_lower_case_with_an_ascii_domain(given: str, read: str) -> None:
    assert email(given) == read


@pytest.mark.parametrize(
    "given",
    [
        *("a@b", "a@[127.0.0.1]", "a@b.c\r\nBcc: x@y.zz", "a@" + "x" * 400 + ".com", "Name <a@b.com>", '"a b"@c.com'),
        *("a@pаypal.com", "a@faß.de", "ü@example.com", "a..b@c.com", ".a@c.com", "a@-b.com", "a@b-.com", "a@b..com"),
        *("@b.com", "a@", "a", "a@b.123", "a" * 65 + "@b.com", "a b@c.com", "a@b.com\x00", None, 5),
    ],
)
def test_an_address_that_mail_could_not_reach_is_refused(given: object) -> None:
    with pytest.raises(Refused) as refused:
        email(given, "email")
    assert (refused.value.code, refused.value.field) == ("INVALID", ("email",))


@settings(max_examples=1000)
@given(st.one_of(st.emails(), st.from_regex(r"[a-zA-Z0-9.+@ü-]{1,20}@[a-zöß0-9.-]{1,15}", fullmatch=True)))
@example("a@b.co")
@example("0@-ö.ab")
@example("0@ö-.ab")
def test_every_accepted_address_is_what_email_validator_makes_of_it(address: str) -> None:
    try:
        ours = email(address)
    except Refused:
        return
    assert ours == _theirs(address)


def _theirs(address: str) -> str:
    try:
        read = validate_email(address.strip(), check_deliverability=False, test_environment=True)
        return f"{read.local_part}@{read.ascii_domain}".lower()
    except EmailNotValidError as error:
        # It refuses names that are reserved; they are somebody's to use in a test system.
        return email(address) if "special-use" in str(error) else str(error)


@pytest.mark.parametrize("given", ["+49 (170) 123-4567", "0049 170 1234567", "+49.170/1234567"])
def test_a_phone_number_is_written_as_e164(given: str) -> None:
    assert phone(given) == "+491701234567"


@pytest.mark.parametrize("given", ["0170 1234567", "+0170123456", "+49abc", "+" + "4" * 40, "+1234567", "", None])
def test_a_phone_number_without_a_country_is_refused(given: object) -> None:
    with pytest.raises(Refused):
        phone(given)


@pytest.mark.parametrize("region", ["DE", "US", "GB", "JP", "BR", "IN", "KE"])
def test_every_country_s_numbers_are_read_as_phonenumbers_does(region: str) -> None:
    number = phonenumbers.example_number(region)
    assert number is not None
    told = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert phone(told) == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize("region", ["US", "CA", "GB", "DE", "CH", "AT", "979"])
def test_numbers_that_cost_whoever_calls_them_are_nobodys(region: str) -> None:
    if region.isdigit():
        number = phonenumbers.example_number_for_non_geo_entity(int(region))
    else:
        number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.PREMIUM_RATE)
    assert number is not None
    with pytest.raises(Refused, match="cost"):
        phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


@pytest.mark.parametrize("prefix", customers._PREMIUM_RATE)
def test_no_number_of_a_person_begins_as_those_do(prefix: str) -> None:
    random = Random(prefix)
    for _ in range(2_000):
        number = phonenumbers.parse(prefix + "".join(random.choices("0123456789", k=random.randint(4, 9))))
        if phonenumbers.is_valid_number(number):
            assert phonenumbers.number_type(number) is phonenumbers.PhoneNumberType.PREMIUM_RATE, number


def test_only_the_fields_given_are_in_the_change() -> None:
    change = profile_change(SOMEBODY, {"name": " Ada ", "email": None, "date_of_birth": "1915-12-10", "country": "gb"})
    assert change.fields == {"name": "Ada", "email": None, "date_of_birth": date(1915, 12, 10), "country": "GB"}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        *(("kind", None, "INVALID"), ("attributes", None, "INVALID"), ("acquired_at", None, "INVALID")),
        *(("kind", "ROBOT", "INVALID"), ("timezone", "Mars/Olympus", "INVALID"), ("timezone", "../etc", "INVALID")),
        *(
            ("locale", "deutsch!", "INVALID"),
            ("country", "Germany", "INVALID"),
            ("date_of_birth", "20260131", "INVALID"),
        ),
        *(("date_of_birth", "1815-02-30", "INVALID"), ("name", "  ", "INVALID"), ("shoe_size", 44, "UNKNOWN_FIELD")),
    ],
)
def test_a_field_that_cannot_be_so_is_refused_by_name(name: str, value: object, code: str) -> None:
    with pytest.raises(Refused) as refused:
        profile_change(SOMEBODY, {name: value})
    assert (refused.value.code, refused.value.field) == (code, (name,))
