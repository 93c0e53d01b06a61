"""Carrying a request out once, however often it is sent with the same key."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken

from db.idempotency import InFlightError, claim_key, remember_answer
from db.pinned import Pinned, Undone, pinned
from domain.refusals import Rejected
from resolvers.context import Context

MAX_KEY = 255
Answer = dict[str, Any]


def checked_key(key: object) -> str:
    """Raises BAD_USER_INPUT for what is no key."""
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY or not key.isprintable() or key.isspace():
        raise Rejected("BAD_USER_INPUT", f"An idempotency key is 1 to {MAX_KEY} printable characters.")
    return key


async def once(context: Context, key: str, request_hash: bytes, run: Callable[[Context], Awaitable[Answer]]) -> Answer:
    """The answer of `run`, or the one it gave when the caller sent this key before.

    Everything that `run` does with its context is one transaction, in which the answer is stored too: after a crash
    there is either both or neither. A request that wrote nothing, because it was refused, leaves its key unused.
    Raises IDEMPOTENCY_KEY_MISMATCH for a key of another request and CONFLICT for one that is being carried out.
    """
    caller = context.caller
    try:
        async with pinned(context.database, caller.organization_id, caller.brand_ids) as database:
            async with database.tenant(caller.organization_id, caller.brand_ids) as tx:
                known = await claim_key(tx, caller.actor, key, request_hash)
            if known is not None:
                answer = _replayed(context, key, known.request_hash == request_hash, known.answer)
            else:
                answer = await run(replace(context, database=database, keyed=True))
                await _remember(context, database, key, answer)
    except Undone as undone:
        (answer,) = undone.args
    except InFlightError as error:
        message = "A request with this idempotency key is still being carried out: send it again in a second."
        raise Rejected("CONFLICT", message, {"retryAfter": 1}) from error
    return answer


def _box(context: Context, key: str) -> Fernet:
    """Answers hold personal data and, once, secrets: they are read by whoever has the key, and not in a dump."""
    secret = hashlib.sha256(b"idempotency\0" + (context.tools.secret or b"") + b"\0" + key.encode()).digest()
    return Fernet(urlsafe_b64encode(secret))


def _replayed(context: Context, key: str, same: bool, answer: str) -> Answer:
    if not same:
        message = "This idempotency key was used for another request: take a new one for each."
        raise Rejected("IDEMPOTENCY_KEY_MISMATCH", message)
    try:
        stored: Answer = orjson.loads(_box(context, key).decrypt(answer))
    except InvalidToken:
        message = "This request was carried out, but its answer cannot be read any more."
        raise Rejected("IDEMPOTENCY_KEY_MISMATCH", message) from None
    context.replayed = True
    return stored


async def _remember(context: Context, database: Pinned, key: str, answer: Answer) -> None:
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    if "INTERNAL_SERVER_ERROR" in codes:
        raise Undone({"errors": answer["errors"], "data": None})
    if not database.commands:
        raise Undone(answer)
    caller = context.caller
    async with database.tenant(caller.organization_id, caller.brand_ids) as tx:
        await remember_answer(tx, caller.actor, key, _box(context, key).encrypt(orjson.dumps(answer)).decode())
