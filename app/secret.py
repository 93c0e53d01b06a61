"""The installation's secret, which keys the hashes of suppressed addresses: lost, nobody is suppressed any more."""

import os
import secrets
from pathlib import Path

from app.settings import Settings


def known_secret(settings: Settings) -> bytes | None:
    """WAYFARE_SECRET, else what `wayfare run` keeps in the state folder, else None."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    file = _file(settings)
    return file.read_bytes() if file.exists() else None


def development_secret(settings: Settings) -> bytes:
    """The secret, made and kept in the state folder when there is none."""
    return known_secret(settings) or _make(_file(settings))


def _file(settings: Settings) -> Path:
    return settings.state / "secret"


def _make(file: Path) -> bytes:
    secret = secrets.token_urlsafe(32).encode()
    # Exclusively: never over one by which somebody is suppressed.
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(secret)
    return secret
