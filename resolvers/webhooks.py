"""Commands on webhooks."""

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from db import webhooks
from db.database import Transaction
from db.webhooks import Draft, Webhook
from domain import values
from domain.events import EventType
from domain.ids import new_id
from domain.refusals import Refused
from domain.webhooks import (
    MAX_SELECTION,
    MAX_WEBHOOKS,
    WebhookState,
    live_until,
    require_event_types,
    require_scopes,
)
from domain.webhooks.signatures import SECRET_BYTES, secret_text
from domain.webhooks.targets import read_target, require_reachable
from resolvers.context import Context

SCOPE = "settings:manage"
Value = TypeVar("Value")
# Refuses a selection that could not be run for these events with these scopes; the schema knows how.
CheckSelection = Callable[[str, Sequence[EventType], Sequence[str]], Awaitable[None]]
Answered = tuple[Value | None, list[Refused]]


async def create(context: Context, given: Mapping[str, Any], check: CheckSelection) -> Answered[tuple[UUID, str]]:
    """Makes an active webhook and gives its secret this once.

    Refuses INVALID, INVALID_URL, INVALID_SELECTION and TOO_MANY.
    """
    checked = await _checked(context, given, check, set(given))

    async def work(tx: Transaction) -> tuple[UUID, str]:
        draft = checked.draft()
        if await webhooks.count_webhooks(tx) >= MAX_WEBHOOKS:
            raise Refused("TOO_MANY", f"An organization has at most {MAX_WEBHOOKS} webhooks.")
        webhook_id, secret = new_id(), _new_secret()
        await webhooks.add_webhook(tx, webhook_id, draft, secret, context.tools.sealing())
        return webhook_id, secret

    return await _told(context, work)


async def update(
    context: Context, webhook_id: UUID, given: Mapping[str, Any], expected_version: int | None, check: CheckSelection
) -> Answered[UUID]:
    """Changes what is given; an active one goes on with what waited for it.

    Refuses as `create`, and NOT_FOUND and STALE. Whoever changes a webhook holds its scopes, or could send
    themselves what they may not read.
    """
    context.caller.require(SCOPE)
    stored = await context.read(lambda tx: webhooks.find_webhook(tx, webhook_id))
    checked = await _checked(context, _merged(stored, given), check, set(given)) if stored else None

    async def work(tx: Transaction) -> UUID:
        webhook = await _find(tx, webhook_id)
        # What was checked is what was stored a moment ago; whatever was changed since must be looked at anew.
        seen = stored.version if stored else None
        if checked is None or webhook.version != seen or expected_version not in (None, seen):
            message = f"It is at version {webhook.version} by now: read it again and repeat with that."
            raise Refused("STALE", message, ("expectedVersion",), webhook.version)
        state = given.get("state") or WebhookState(webhook.state)
        if state is WebhookState.DISABLED and webhook.state != state:
            raise Refused("INVALID", "Pause it: DISABLED says that it failed.", ("state",))
        draft = checked.draft()
        await webhooks.change_webhook(tx, webhook_id, draft, state.value)
        return webhook_id

    return await _told(context, work)


async def delete(context: Context, webhook_id: UUID) -> Answered[UUID]:
    """Deletes a webhook with its log; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        await _find(tx, webhook_id)
        await webhooks.delete_webhook(tx, webhook_id)
        return webhook_id

    return await _told(context, work)


async def rotate_secret(context: Context, webhook_id: UUID, keep_for_hours: int) -> Answered[tuple[UUID, str]]:
    """Signs with a new secret from now on, with the present one as well for a while; refuses NOT_FOUND and INVALID."""

    async def work(tx: Transaction) -> tuple[UUID, str]:
        until = live_until(context.now, keep_for_hours)
        await _find(tx, webhook_id)
        secret = _new_secret()
        await webhooks.rotate_secret(tx, webhook_id, secret, context.tools.sealing(), now=context.now, until=until)
        return webhook_id, secret

    return await _told(context, work)


async def test(context: Context, webhook_id: UUID) -> Answered[UUID]:
    """Sends a webhook a test; gives the delivery. Refuses NOT_FOUND and NOT_ACTIVE."""

    async def work(tx: Transaction) -> UUID:
        _require_active(await _find(tx, webhook_id))
        return await webhooks.test(tx, webhook_id, context.now)

    return await _told(context, work)


async def resend(context: Context, delivery_id: UUID) -> Answered[UUID]:
    """Sends an event once more, in a delivery of its own, which it gives. Refuses NOT_FOUND and NOT_ACTIVE."""

    async def work(tx: Transaction) -> UUID:
        webhook_id = await webhooks.webhook_of_delivery(tx, delivery_id)
        if webhook_id is None:
            raise Refused("NOT_FOUND", "There is no such delivery.", ("deliveryId",))
        _require_active(await _find(tx, webhook_id))
        return await webhooks.resend(tx, webhook_id, delivery_id)

    return await _told(context, work)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was said about a webhook, looked at before a transaction began: names take time to look up."""

    said: Draft | None
    refusal: Refused | None = None

    def draft(self) -> Draft:
        if self.refusal:
            raise self.refusal
        assert self.said
        return self.said


async def _checked(
    context: Context, given: Mapping[str, Any], check: CheckSelection, changed: Collection[str]
) -> _Checked:
    """What a webhook is to be; a URL and a selection that stay as they were are not looked at again."""
    context.caller.require(SCOPE)
    try:
        types = require_event_types(given["event_types"])
        scopes = require_scopes(types, given.get("scopes"), context.caller.scopes)
        name = values.line(given["name"], "name")
        if "url" in changed:
            await _require_reachable(context, given["url"])
        selection = given.get("selection")
        if selection is not None and not {"selection", "event_types", "scopes"}.isdisjoint(changed):
            values.text(selection, "selection", limit=MAX_SELECTION)
            await check(selection, types, scopes)
    except Refused as refusal:
        return _Checked(None, refusal)
    return _Checked(Draft(name, given["url"], [type_.value for type_ in types], scopes, selection))


async def _require_reachable(context: Context, url: str) -> None:
    """A name is also looked up, so that who gives an inner one learns it now; each delivery looks again."""
    target = read_target(url, context.tools.allowed)
    if context.tools.look_up is None:
        return
    try:
        addresses = await context.tools.look_up(target.host, target.port)
    except OSError:
        # It may get its address tomorrow.
        return
    require_reachable(target, addresses, context.tools.allowed)


def _merged(webhook: Webhook, given: Mapping[str, Any]) -> dict[str, Any]:
    stored = {
        "name": webhook.name,
        "url": webhook.url,
        "event_types": [EventType(type_) for type_ in webhook.event_types],
        "scopes": webhook.scopes,
        "selection": webhook.selection,
    }
    return stored | {name: value for name, value in given.items() if value is not None or name == "selection"}


async def _find(tx: Transaction, webhook_id: UUID) -> Webhook:
    webhook = await webhooks.find_webhook(tx, webhook_id, lock=True)
    if webhook is None:
        raise Refused("NOT_FOUND", "There is no such webhook.", ("webhookId",))
    return webhook


def _require_active(webhook: Webhook) -> None:
    if webhook.state != WebhookState.ACTIVE:
        raise Refused("NOT_ACTIVE", "It is not active: set its state to ACTIVE first.", ("webhookId",))


def _new_secret() -> str:
    return secret_text(secrets.token_bytes(SECRET_BYTES))


async def _told(context: Context, work: Callable[[Transaction], Awaitable[Value]]) -> Answered[Value]:
    """Runs a command whose refusals have paths within its input; events are of every brand."""
    value, refusals = await context.command(SCOPE, work, of_all_brands=True)
    return value, [refusal.under("input") for refusal in refusals]
