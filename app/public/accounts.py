"""What a callback is verified with: an account's keys, known for a minute so that a flood asks the database little."""

import time
from dataclasses import dataclass
from uuid import UUID

from app.public.schemes import Keys
from app.public.sightings import Recent
from db import providers
from db.database import Database
from db.vault import SealedError, Vault

KNOWN_FOR = 60.0


@dataclass(frozen=True, slots=True)
class Verifier:
    """An account as callbacks see it."""

    organization_id: UUID
    account_id: UUID
    kind: str
    keys: Keys
    # None: it sends for every brand.
    brand_id: UUID | None = None


class Accounts:
    """One for each process."""

    def __init__(self, database: Database, vault: Vault | None) -> None:
        self._database, self._vault = database, vault
        self._known: Recent[tuple[float, Verifier]] = Recent()

    async def find(self, organization_id: UUID, account_id: UUID) -> Verifier | None:
        """None for an account that there is not, or whose secrets no key opens."""
        known = self._known.get((organization_id, account_id))
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await self._read(organization_id, account_id)
        if found is not None:
            self._known.put((organization_id, account_id), (time.monotonic() + KNOWN_FOR, found))
        return found

    async def _read(self, organization_id: UUID, account_id: UUID) -> Verifier | None:
        if self._vault is None:
            return None
        async with self._database.tenant(organization_id) as tx:
            # One that is disabled sends no more, but what it sent still comes back.
            account = await providers.find_account(tx, account_id)
            if account is None:
                return None
            try:
                secrets = await providers.open_secrets(tx, self._vault, account_id)
            except SealedError:
                return None
        return Verifier(organization_id, account_id, account.kind, Keys(account.settings, secrets), account.brand_id)
