"""Making, changing, deleting and testing accounts with providers."""

from enum import StrEnum
from typing import Annotated, Any

import strawberry

from db.providers import ACCOUNT_BY_ID
from domain.consents import Channel
from domain.provider_accounts import Draft
from domain.providers import AccountState, ProviderKind
from domain.refusals import Refused
from resolvers import providers as commands
from resolvers.ids import global_id, row_id
from resolvers.providers import SCOPE
from schema.enums import described
from schema.fields import Info, argument, read, scoped
from schema.payloads import Payload, UserError, user_errors
from schema.profiles import fields
from schema.providers import ProviderAccount

_REFUSALS = {
    "ALREADY_ACTIVE": "Another account carries these messages.",
    "INVALID": "A value cannot be accepted.",
    "NOT_FOUND": "There is no such object, or you may not see it.",
    "SECRETS_NEEDED": "The secrets have to be given again.",
    "STALE": "It was changed since the version you expected.",
    "TOO_MANY": "There are as many accounts as there may be.",
}
ProviderAccountErrorCode = StrEnum("ProviderAccountErrorCode", {name: name for name in _REFUSALS})  # type: ignore[misc]  # made from its descriptions
described(ProviderAccountErrorCode, "Why a command on provider accounts was refused.", _REFUSALS)


@strawberry.type(description="Why a command on provider accounts was refused.")
class ProviderAccountUserError(UserError):
    code: ProviderAccountErrorCode = strawberry.field(description="The kind of refusal.")


def _must(description: str) -> Any:
    return strawberry.field(description=description)


def _may(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="A setting of an account; `providerKinds` names them.")
class ProviderSettingInput:
    name: str = _must("Its name.")
    value: str = _must("Its value.")


@strawberry.input(description="A secret of an account, which is stored sealed and never shown; see `providerKinds`.")
class ProviderSecretInput:
    name: str = _must("Its name.")
    value: str = _must("Its value.")


@strawberry.input(description="An account to make. It is used at once.")
class ProviderAccountCreateInput:
    name: str = _must("What to call it, unique in the organization.")
    kind: ProviderKind = _must("Whose it is.")
    channel: Channel = _must("What it carries.")
    brand_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose messages; without it those of each brand that has no account of its own."
    )
    settings: list[ProviderSettingInput] = strawberry.field(
        default_factory=list, description="What it is told in the open."
    )
    secrets: list[ProviderSecretInput] = strawberry.field(
        default_factory=list, description="What it is told and never shows."
    )
    rate_per_second: int | None = strawberry.field(default=None, description="Calls a second at most.")
    daily_quota: int | None = strawberry.field(default=None, description="Calls a day (UTC) at most.")


@strawberry.input(description="What to change of an account; what is left out stays. A test's result is forgotten.")
class ProviderAccountUpdateInput:
    provider_account_id: strawberry.ID = _must("Which account.")
    name: str | None = _may("What to call it.")
    brand_id: strawberry.ID | None = _may("Whose messages; null for each brand that has no account of its own.")
    settings: list[ProviderSettingInput] | None = _may("What it is told in the open, all of it.")
    secrets: list[ProviderSecretInput] | None = _may("Those to replace; null keeps every one as it is.")
    remove_secrets: list[str] | None = _may("Names of those to remove.")
    rate_per_second: int | None = _may("Calls a second at most; null for the kind's own pace.")
    daily_quota: int | None = _may("Calls a day (UTC) at most; null for no limit.")
    state: AccountState | None = _may("Whether it is used.")
    expected_version: int | None = strawberry.field(default=None, description="Refuse unless this is its version.")


@strawberry.input(description="An account to delete.")
class ProviderAccountDeleteInput:
    provider_account_id: strawberry.ID = _must("Which account.")


@strawberry.input(description="An account to test.")
class ProviderAccountTestInput:
    provider_account_id: strawberry.ID = _must("Which account.")


def _payload_errors() -> Any:
    return strawberry.field(description="Why it was refused.")


@strawberry.type(description="The account made.")
class ProviderAccountCreatePayload(Payload):
    provider_account: ProviderAccount | None = _must("The account, or null when refused.")
    user_errors: list[ProviderAccountUserError] = _payload_errors()


@strawberry.type(description="The account after the change.")
class ProviderAccountUpdatePayload(Payload):
    provider_account: ProviderAccount | None = _must("The account, or null when refused.")
    user_errors: list[ProviderAccountUserError] = _payload_errors()


@strawberry.type(description="The id of the account deleted.")
class ProviderAccountDeletePayload(Payload):
    deleted_id: strawberry.ID | None = _must("The id that is gone, or null when refused.")
    user_errors: list[ProviderAccountUserError] = _payload_errors()


@strawberry.type(description="The account with what the test said.")
class ProviderAccountTestPayload(Payload):
    provider_account: ProviderAccount | None = _must("The account, or null when refused.")
    user_errors: list[ProviderAccountUserError] = _payload_errors()


@strawberry.type
class ProviderMutations:
    @strawberry.mutation(
        description=scoped("Makes an account with a provider. Not for callers limited to some brands.", SCOPE)
    )
    async def provider_account_create(
        self, info: Info, input: Annotated[ProviderAccountCreateInput, argument("The account.")]
    ) -> ProviderAccountCreatePayload:
        brand_id = row_id(input.brand_id, "Brand") if input.brand_id else None
        draft = Draft(
            input.name,
            input.kind,
            input.channel,
            brand_id,
            _named(input.settings),
            input.rate_per_second,
            input.daily_quota,
        )
        made, refusals = await commands.create(info.context, draft, _named(input.secrets))
        return ProviderAccountCreatePayload(
            provider_account=read(info, ACCOUNT_BY_ID, made), user_errors=_errors(refusals)
        )

    @strawberry.mutation(
        description=scoped("Changes an account with a provider. Not for callers limited to some brands.", SCOPE)
    )
    async def provider_account_update(
        self, info: Info, input: Annotated[ProviderAccountUpdateInput, argument("What to change.")]
    ) -> ProviderAccountUpdatePayload:
        given = fields(input)
        account_id = row_id(given.pop("provider_account_id"), "ProviderAccount")
        expected = given.pop("expected_version")
        secrets, remove = _named(given.pop("secrets", None) or []), given.pop("remove_secrets", None) or []
        changed, refusals = await commands.update(info.context, account_id, _changes(given), secrets, remove, expected)
        return ProviderAccountUpdatePayload(
            provider_account=read(info, ACCOUNT_BY_ID, changed), user_errors=_errors(refusals)
        )

    @strawberry.mutation(
        description=scoped("Deletes an account with a provider. Not for callers limited to some brands.", SCOPE)
    )
    async def provider_account_delete(
        self, info: Info, input: Annotated[ProviderAccountDeleteInput, argument("Which account.")]
    ) -> ProviderAccountDeletePayload:
        account_id = row_id(input.provider_account_id, "ProviderAccount")
        deleted, refusals = await commands.delete(info.context, account_id)
        gone = strawberry.ID(global_id("ProviderAccount", deleted)) if deleted else None
        return ProviderAccountDeletePayload(deleted_id=gone, user_errors=_errors(refusals))

    @strawberry.mutation(
        description=scoped(
            "Asks a provider whether an account's credentials are good; takes 15 s at most. "
            "Not for callers limited to some brands.",
            SCOPE,
        )
    )
    async def provider_account_test(
        self, info: Info, input: Annotated[ProviderAccountTestInput, argument("Which account.")]
    ) -> ProviderAccountTestPayload:
        account_id = row_id(input.provider_account_id, "ProviderAccount")
        tested, refusals = await commands.test(info.context, account_id)
        return ProviderAccountTestPayload(
            provider_account=read(info, ACCOUNT_BY_ID, tested), user_errors=_errors(refusals)
        )


def _named(given: list[Any]) -> dict[str, str]:
    return {one.name: one.value for one in given}


def _changes(given: dict[str, Any]) -> dict[str, Any]:
    """What is to be another; null says something of a brand, a pace and a quota only."""
    changes = {
        name: value
        for name, value in given.items()
        if value is not None or name in ("brand_id", "rate_per_second", "daily_quota")
    }
    if changes.get("brand_id") is not None:
        changes["brand_id"] = row_id(changes["brand_id"], "Brand")
    if "settings" in changes:
        changes["settings"] = _named(changes["settings"])
    return changes


def _errors(refusals: list[Refused]) -> list[ProviderAccountUserError]:
    return user_errors(ProviderAccountUserError, ProviderAccountErrorCode, refusals)
