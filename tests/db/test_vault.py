"""Secrets are opened only with a key that is known, and only in the row they were sealed for."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from db import webhooks
from db.database import Database
from db.vault import PROVIDERS, SealedError, Vault
from domain.events import EventType
from domain.ids import new_id
from tests.campaigns import SECRET
from tests.receiver import listen

NEW = b"another secret of the tests, long"


def test_what_is_sealed_tells_nothing_and_is_opened_again() -> None:
    organization, row, vault = new_id(), new_id(), Vault([SECRET])
    sealed = vault.seal(organization, row, "whsec_secret")
    assert b"secret" not in sealed
    assert sealed != vault.seal(organization, row, "whsec_secret")
    assert vault.open(organization, row, sealed) == "whsec_secret"


def test_neither_another_row_nor_another_key_opens_it() -> None:
    organization, row = new_id(), new_id()
    sealed = Vault([SECRET]).seal(organization, row, "whsec_secret")
    for vault, owner, place in (
        (Vault([SECRET]), organization, new_id()),
        (Vault([SECRET]), new_id(), row),
        (Vault([NEW]), organization, row),
    ):
        with pytest.raises(SealedError):
            vault.open(owner, place, sealed)


async def test_secrets_are_sealed_again_with_the_newest_key(database: Database, organization: UUID) -> None:
    webhook, secret = await listen(database, organization, "https://example.com/", EventType.CUSTOMER_CREATED)
    now = datetime.now(UTC)
    async with database.tenant(organization) as tx:
        both = Vault([NEW, SECRET])
        await webhooks.rotate_secret(tx, webhook, "whsec_new", both, now=now, until=datetime(2100, 1, 1, tzinfo=UTC))
        assert await webhooks.seal_again(tx, both) == 1
        sealed = await webhooks.sealed_secrets(tx, webhook)
    assert [Vault([NEW]).open(organization, webhook, one) for one in sealed] == ["whsec_new", secret]


def test_a_purpose_opens_nothing_of_another_and_keys_have_names() -> None:
    organization, row, vault = new_id(), new_id(), Vault([SECRET])
    other = vault.of(PROVIDERS)
    with pytest.raises(SealedError):
        other.open(organization, row, vault.seal(organization, row, "x"))
    names = {vault.key_id, other.key_id, Vault([NEW]).key_id}
    assert len(names) == 3
    assert Vault([SECRET, NEW]).key_id == vault.key_id
