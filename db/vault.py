"""Secrets sealed so that a stolen dump does not tell them, and bound to the row they belong to.

Fernet itself binds a text to nothing: who can write to the database could copy one row's sealed secret into another.
So what is sealed says whose it is, and opening it elsewhere fails.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

WEBHOOKS = b"wayfare: secrets of webhooks"
PROVIDERS = b"wayfare: secrets of providers"


class SealedError(Exception):
    """What is sealed cannot be opened here: with another secret, or for another row."""


class Vault:
    """Seals with the first of the installation's secrets and opens with any of them, for one purpose.

    A secret is replaced without a pause: put the new one first everywhere, seal again, then drop the old one.
    """

    def __init__(self, secrets: Sequence[bytes], purpose: bytes = WEBHOOKS) -> None:
        self._secrets = list(secrets)
        keys = [_key(secret, purpose) for secret in secrets]
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.key_id = _name(keys[0])
        """Names the key that seals, and tells nothing about it."""

    def of(self, purpose: bytes) -> "Vault":
        """The same secrets for another purpose: neither opens what the other sealed."""
        return Vault(self._secrets, purpose)

    def seal(self, organization_id: UUID, row_id: UUID, value: str) -> bytes:
        sealed: bytes = self._fernet.encrypt(json.dumps([str(organization_id), str(row_id), value]).encode())
        return sealed

    def open(self, organization_id: UUID, row_id: UUID, sealed: bytes) -> str:
        """Raises SealedError for what was sealed with another secret, or for another row."""
        try:
            organization, row, value = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise SealedError("sealed with a secret that is not known any more") from error
        if (organization, row) != (str(organization_id), str(row_id)):
            raise SealedError("sealed for another row")
        return str(value)


def _key(secret: bytes, purpose: bytes) -> bytes:
    # Derived, because the installation's secret also keys other things.
    return urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=purpose).derive(secret))


def _name(key: bytes) -> str:
    return sha256(b"wayfare: the name of a key" + key).hexdigest()[:12]
