"""Hashes of suppressed addresses."""

import hmac

import pytest

from domain.consents import Channel
from domain.ids import new_id
from domain.refusals import Refused
from domain.suppressions import AddressKey, address


def test_the_hash_is_the_standard_hmac() -> None:
    secret, organization = b"s" * 32, new_id()
    key = hmac.digest(secret, b"suppression:" + organization.bytes, "sha256")
    expected = hmac.digest(key, b"ann@example.org", "sha256")
    assert AddressKey.of(secret, organization).hash("ann@example.org") == expected


def test_organizations_and_secrets_have_hashes_of_their_own() -> None:
    organization = new_id()
    keys = [AddressKey.of(b"a", organization), AddressKey.of(b"b", organization), AddressKey.of(b"a", new_id())]
    assert len({key.hash("ann@example.org") for key in keys}) == 3


def test_addresses_are_written_as_customers_are() -> None:
    assert address(Channel.EMAIL, " Ann@Example.ORG ") == "ann@example.org"
    assert address(Channel.SMS, "+49 170 1234567") == "+491701234567"
    for channel, text in [(Channel.EMAIL, "a@b\r\nBcc: c@d.e"), (Channel.SMS, "12"), (Channel.PUSH, "token")]:
        with pytest.raises(Refused) as refused:
            address(channel, text, "address")
        assert (refused.value.code, refused.value.field) == ("INVALID", ("address",))
