"""Passwords: hashed with argon2id, compared in the same time whether there is an account or not."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

Value = TypeVar("Value")

# OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Each at work holds 19 MiB and a core; the others wait.
_workers = ThreadPoolExecutor(4, "argon2")


async def hash_password(password: str) -> str:
    """What is stored instead of the password."""
    return await _aside(partial(_HASHER.hash, _bytes(password)))


async def is_password(stored: str | None, presented: str) -> bool:
    """Whether this is the password of the hash; without one it takes as long to find that it is not."""
    return await _aside(partial(_compare, stored, _bytes(presented)))


def _compare(stored: str | None, presented: bytes) -> bool:
    nobodys = _hash_of_nobody()
    try:
        _HASHER.verify(stored or nobodys, presented)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_bytes())


def _bytes(password: str) -> bytes:
    # JSON can write half a character; it is part of no password, but it must not be a fault either.
    return password.encode(errors="surrogatepass")


async def _aside(work: Callable[[], Value]) -> Value:
    return await asyncio.get_running_loop().run_in_executor(_workers, work)
