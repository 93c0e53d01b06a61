"""Commands on provider accounts: their secrets come in and never go out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from db import providers
from db.database import Transaction
from db.organizations import find_brand
from db.providers import Account, Tested
from db.vault import SealedError
from domain.consents import Channel
from domain.ids import new_id
from domain.provider_accounts import MAX_ACCOUNTS, Draft, check_secrets, merged
from domain.providers import AccountState, ProviderKind
from domain.refusals import Refused
from resolvers.context import Context

SCOPE = "settings:manage"
Value = TypeVar("Value")
Answered = tuple[Value | None, list[Refused]]
# Where a password goes: whoever leads it elsewhere has to know it.
_WHERE = ("host", "port", "security", "username")


async def create(context: Context, draft: Draft, secrets: Mapping[str, str]) -> Answered[UUID]:
    """Makes an active account; refuses INVALID, NOT_FOUND, ALREADY_ACTIVE and TOO_MANY."""

    async def work(tx: Transaction) -> UUID:
        draft.check()
        check_secrets(draft.kind, secrets)
        accounts = await providers.lock_accounts(tx)
        if len(accounts) >= MAX_ACCOUNTS:
            raise Refused("TOO_MANY", f"An organization has at most {MAX_ACCOUNTS} accounts.")
        await _require_brand(tx, draft.brand_id)
        _require_alone(accounts, draft, None)
        account_id = new_id()
        await providers.add_account(tx, account_id, draft)
        await providers.seal_secrets(tx, context.tools.sealing(), account_id, secrets)
        return account_id

    return await _told(context, work)


async def update(
    context: Context,
    account_id: UUID,
    given: Mapping[str, Any],
    secrets: Mapping[str, str],
    remove: Sequence[str],
    expected_version: int | None,
) -> Answered[UUID]:
    """Changes what is given; secrets that are neither given nor removed stay.

    Refuses INVALID, NOT_FOUND, ALREADY_ACTIVE, STALE and SECRETS_NEEDED.
    """

    async def work(tx: Transaction) -> UUID:
        accounts = await providers.lock_accounts(tx)
        account = _found(accounts, account_id)
        if expected_version not in (None, account.version):
            message = f"It is at version {account.version} by now: read it again and repeat with that."
            raise Refused("STALE", message, ("expectedVersion",), account.version)
        draft = replace(_draft(account), **{name: value for name, value in given.items() if name != "state"}).check()
        state = given.get("state") or AccountState(account.state)
        await _require_brand(tx, draft.brand_id)
        if state is AccountState.ACTIVE:
            _require_alone(accounts, draft, account_id)
        await _keep_secrets(tx, context, account, draft, secrets, list(remove))
        await providers.change_account(tx, account_id, draft, state.value)
        return account_id

    return await _told(context, work)


async def _keep_secrets(
    tx: Transaction, context: Context, account: Account, draft: Draft, secrets: Mapping[str, str], remove: list[str]
) -> None:
    moved = any(draft.settings.get(name) != account.settings.get(name) for name in _WHERE)
    if moved and set(account.secret_names) - set(secrets) - set(remove):
        message = "Give the secrets again: they are not sent to another place than the one they were given for."
        raise Refused("SECRETS_NEEDED", message, ("secrets",))
    if foreign := sorted(set(remove) - set(account.secret_names)):
        raise Refused("INVALID", f"There is no secret {foreign[0][:100]} to remove.", ("removeSecrets",))
    vault = context.tools.sealing()
    try:
        stored = await providers.open_secrets(tx, vault, account.id)
    except SealedError as error:
        if set(account.secret_names) - set(secrets):
            message = "The key that sealed the present secrets is not known any more: give all of them."
            raise Refused("SECRETS_NEEDED", message, ("secrets",)) from error
        stored = {}
    after = merged(stored, secrets, remove)
    check_secrets(draft.kind, after)
    if after != stored:
        await providers.seal_secrets(tx, vault, account.id, after)


async def delete(context: Context, account_id: UUID) -> Answered[UUID]:
    """Deletes an account; refuses NOT_FOUND."""

    async def work(tx: Transaction) -> UUID:
        _found(await providers.lock_accounts(tx), account_id)
        await providers.delete_account(tx, account_id)
        return account_id

    return await _told(context, work)


async def test(context: Context, account_id: UUID) -> Answered[UUID]:
    """Asks the provider whether the credentials are good, and keeps the answer; refuses NOT_FOUND."""
    context.caller.require(SCOPE)
    tested = await _asked(context, account_id)

    async def work(tx: Transaction) -> UUID:
        if tested is None:
            raise Refused("NOT_FOUND", "There is no such account.", ("providerAccountId",))
        account, said = tested
        await providers.keep_test(tx, account.id, account.version, said)
        return account.id

    return await _told(context, work)


async def _asked(context: Context, account_id: UUID) -> tuple[Account, Tested] | None:
    """What the provider said, which is asked while no transaction is open; None without such an account."""
    if context.caller.brand_ids is not None or context.tools.try_account is None:
        return None
    vault = context.tools.sealing()

    async def look(tx: Transaction) -> tuple[Account, dict[str, str] | None] | None:
        account = await providers.find_account(tx, account_id)
        if account is None:
            return None
        try:
            return account, await providers.open_secrets(tx, vault, account_id)
        except SealedError:
            return account, None

    found = await context.read(look)
    if found is None:
        return None
    account, secrets = found
    if secrets is None:
        return account, Tested("INVALID_CREDENTIALS", "the key that sealed them is not known any more", 0)
    return account, await context.tools.try_account(account, secrets)


def _draft(account: Account) -> Draft:
    return Draft(
        account.name,
        ProviderKind(account.kind),
        Channel(account.channel),
        account.brand_id,
        account.settings,
        account.rate_per_second,
        account.daily_quota,
    )


def _found(accounts: Sequence[Account], account_id: UUID) -> Account:
    for account in accounts:
        if account.id == account_id:
            return account
    raise Refused("NOT_FOUND", "There is no such account.", ("providerAccountId",))


def _require_alone(accounts: Sequence[Account], draft: Draft, account_id: UUID | None) -> None:
    """Refuses INVALID for a name that another account has, ALREADY_ACTIVE where one carries these messages already."""
    for other in accounts:
        if other.id == account_id:
            continue
        if other.name == draft.name:
            raise Refused("INVALID", "Another account has this name.", ("name",))
        alike = other.channel == draft.channel and other.brand_id == draft.brand_id
        by_kind = draft.channel in (Channel.PUSH, Channel.WALLET)
        if alike and other.state == AccountState.ACTIVE and (not by_kind or other.kind == draft.kind):
            message = f"{other.name} carries these messages; set it to DISABLED first."
            raise Refused("ALREADY_ACTIVE", message, ("channel",))


async def _require_brand(tx: Transaction, brand_id: UUID | None) -> None:
    if brand_id is not None and await find_brand(tx, brand_id) is None:
        raise Refused("NOT_FOUND", "There is no such brand.", ("brandId",))


async def _told(context: Context, work: Callable[[Transaction], Awaitable[Value]]) -> Answered[Value]:
    """Runs a command whose refusals have paths within its input; accounts may carry every brand's messages."""
    value, refusals = await context.command(SCOPE, work, of_all_brands=True)
    return value, [refusal.under("input") for refusal in refusals]
