"""API keys as clients see them."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from db import keys
from resolvers import api_keys as commands
from resolvers.ids import row_id
from schema.fields import Info, argument, column, listed, own_key, read, scoped
from schema.node import Node, node
from schema.organization import MANAGE, Brand, OrganizationUserError, errors
from schema.payloads import Payload


@node(by_id=keys.KEY_BY_ID, scope=MANAGE, description="An API key; its secret is shown once, when it is made.")
class ApiKey(Node):
    name: str = column("What it is for.")
    prefix: str = column("The part of its text that may be shown: wf_<prefix>_....")
    scopes: list[str] = column("What it may do.")
    expires_at: datetime | None = column("When it stops working; null means never.")
    revoked_at: datetime | None = column("When it was revoked.")
    last_used_at: datetime | None = column("When it was last used, to the minute.")
    created_at: datetime = column("When it was made.")
    created_by: str | None = column("Who made it, e.g. member:<id>; null for the command line.")
    trusted_documents_only: bool = column("Whether it may send the ids of trusted documents only.")
    limited_to_brands: bool = column("Whether it is limited to some brands.")
    brands: list[Brand] = listed(keys.BRANDS_OF_KEY, "The brands it may see: every brand unless it is limited to some.")


@strawberry.type
class ApiKeyQueries:
    @strawberry.field(
        description=scoped("The organization's API keys, oldest first.", MANAGE), graphql_type=list[ApiKey]
    )
    def api_keys(self, info: Info) -> Any:
        info.context.caller.require(MANAGE)
        return info.context.loaders.all(keys.KEYS, own_key(info))


@strawberry.input(description="An API key to make.")
class ApiKeyCreateInput:
    name: str = strawberry.field(description="What it is for.")
    scopes: list[str] = strawberry.field(description="What it may do; never more than you may.")
    expires_at: datetime | None = strawberry.field(default=None, description="When it stops working; never without it.")
    brand_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="The only brands it may see; every brand without it."
    )
    trusted_documents_only: bool = strawberry.field(
        default=False, description="Whether it may send the ids of trusted documents only (documentId)."
    )


@strawberry.type(description="The key made, with its text.")
class ApiKeyCreatePayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The key, or null when refused.")
    secret: str | None = strawberry.field(description="Its full text, shown this once: send it as Bearer token.")
    user_errors: list[OrganizationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="An API key to change; what is left out stays.")
class ApiKeyUpdateInput:
    api_key_id: strawberry.ID = strawberry.field(description="Which key.")
    name: str | None = strawberry.field(default=None, description="What it is for.")
    trusted_documents_only: bool | None = strawberry.field(
        default=None, description="Whether it may send the ids of trusted documents only; within 10 s everywhere."
    )


@strawberry.type(description="The key changed.")
class ApiKeyUpdatePayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The key, or null when refused.")
    user_errors: list[OrganizationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="An API key to replace.")
class ApiKeyRotateInput:
    api_key_id: strawberry.ID = strawberry.field(description="Which key.")
    overlap_hours: int = strawberry.field(default=24, description="How long the old one goes on working, 0 to 720.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the new one stops working; never without it."
    )


@strawberry.type(description="The new key, with its text.")
class ApiKeyRotatePayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The new key, or null when refused.")
    secret: str | None = strawberry.field(description="Its full text, shown this once: send it as Bearer token.")
    user_errors: list[OrganizationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.input(description="An API key to revoke.")
class ApiKeyRevokeInput:
    api_key_id: strawberry.ID = strawberry.field(description="Which key.")


@strawberry.type(description="The key revoked.")
class ApiKeyRevokePayload(Payload):
    api_key: ApiKey | None = strawberry.field(description="The key, or null when refused.")
    user_errors: list[OrganizationUserError] = strawberry.field(description="Why it was refused.")


@strawberry.type
class ApiKeyMutations:
    @strawberry.mutation(description=scoped("Makes an API key.", MANAGE))
    async def api_key_create(
        self, info: Info, input: Annotated[ApiKeyCreateInput, argument("The key.")]
    ) -> ApiKeyCreatePayload:
        brands = None if input.brand_ids is None else [row_id(brand, "Brand") for brand in input.brand_ids]
        given = commands.KeyValues(input.name, input.scopes, input.expires_at, brands, input.trusted_documents_only)
        made, refusals = await commands.create_key(info.context, given)
        key_id, secret = made or (None, None)
        return ApiKeyCreatePayload(
            api_key=read(info, keys.KEY_BY_ID, key_id), secret=secret, user_errors=errors(refusals)
        )

    @strawberry.mutation(description=scoped("Changes an API key: never what it may do.", MANAGE))
    async def api_key_update(
        self, info: Info, input: Annotated[ApiKeyUpdateInput, argument("What to change.")]
    ) -> ApiKeyUpdatePayload:
        key_id = row_id(input.api_key_id, "ApiKey")
        updated, refusals = await commands.update_key(info.context, key_id, input.name, input.trusted_documents_only)
        return ApiKeyUpdatePayload(api_key=read(info, keys.KEY_BY_ID, updated), user_errors=errors(refusals))

    @strawberry.mutation(
        description=scoped("Makes another API key in place of one, which goes on for a while.", MANAGE)
    )
    async def api_key_rotate(
        self, info: Info, input: Annotated[ApiKeyRotateInput, argument("Which key.")]
    ) -> ApiKeyRotatePayload:
        key_id = row_id(input.api_key_id, "ApiKey")
        made, refusals = await commands.rotate_key(info.context, key_id, input.expires_at, input.overlap_hours)
        made_id, secret = made or (None, None)
        return ApiKeyRotatePayload(
            api_key=read(info, keys.KEY_BY_ID, made_id), secret=secret, user_errors=errors(refusals)
        )

    @strawberry.mutation(description=scoped("Revokes an API key, now and for good.", MANAGE))
    async def api_key_revoke(
        self, info: Info, input: Annotated[ApiKeyRevokeInput, argument("Which key.")]
    ) -> ApiKeyRevokePayload:
        revoked, refusals = await commands.revoke_key(info.context, row_id(input.api_key_id, "ApiKey"))
        return ApiKeyRevokePayload(api_key=read(info, keys.KEY_BY_ID, revoked), user_errors=errors(refusals))
