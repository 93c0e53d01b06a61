"""Commands on members: inviting, changing and removing them, and never beyond what one may oneself."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db import invitations, members
from db.database import Transaction
from db.jobs import request_job
from db.members import Standing
from db.roles import Role, find_role
from domain import customers, values
from domain.members import INVITATION_LIFE, INVITE_JOB, OWNER, MemberState, require_manageable
from domain.refusals import Refused
from resolvers.context import Context

SCOPE = "members:manage"


@dataclass(frozen=True, slots=True)
class Changes:
    """What of a member shall be otherwise; None leaves it. brand_ids: only with `limit`, and None for every brand."""

    name: str | None = None
    role_id: UUID | None = None
    limit: bool = False
    brand_ids: list[UUID] | None = None


async def invite(
    context: Context, email: str, name: str | None, role_id: UUID, brand_ids: list[UUID] | None, send_mail: bool
) -> tuple[tuple[UUID, str | None] | None, list[Refused]]:
    """Invites somebody, again if they have not come yet; gives the member and, without a mail, the token this once.

    Refuses INVALID, NOT_FOUND, EMAIL_TAKEN and BEYOND_YOURS.
    """

    async def work(tx: Transaction) -> tuple[UUID, str | None]:
        address = customers.email(email, "input", "email")
        checked = None if name is None else values.line(name, "input", "name")
        await _granted(context, tx, role_id)
        await _check_brands(context, tx, brand_ids)
        member_id = await _invited(context, tx, address, Changes(checked, role_id, True, brand_ids))
        if send_mail:
            await request_job(tx, INVITE_JOB, dedupe_key=str(member_id), args={"member": str(member_id)})
            return member_id, None
        return member_id, await invitations.invite(tx, member_id, context.now + INVITATION_LIFE)

    return await context.command(SCOPE, work)


async def update(
    context: Context, member_id: UUID, changes: Changes, expected_version: int | None
) -> tuple[UUID | None, list[Refused]]:
    """Changes a member; refuses INVALID, NOT_FOUND, STALE, BEYOND_YOURS and LAST_OWNER."""

    async def work(tx: Transaction) -> UUID:
        member = await _locked(context, tx, member_id, expected_version)
        if changes.name is not None:
            values.line(changes.name, "input", "name")
        role = await _granted(context, tx, changes.role_id) if changes.role_id else None
        if changes.limit:
            await _check_brands(context, tx, changes.brand_ids)
        lowered = (role is not None and role.key != OWNER) or changes.brand_ids is not None
        if member.is_owner and lowered:
            await _require_another_owner(tx, member)
        await members.update_member(
            tx,
            member_id,
            name=changes.name and changes.name.strip(),
            role_id=changes.role_id,
            limit=changes.limit,
            brands=changes.brand_ids,
        )
        return member_id

    return await context.command(SCOPE, work)


async def remove(context: Context, member_id: UUID, expected_version: int | None) -> tuple[UUID | None, list[Refused]]:
    """Takes a member out, at once and everywhere; refuses NOT_FOUND, STALE, BEYOND_YOURS and LAST_OWNER."""

    async def work(tx: Transaction) -> UUID:
        member = await _locked(context, tx, member_id, expected_version)
        if member.is_owner:
            await _require_another_owner(tx, member)
        await members.delete_member(tx, member_id)
        return member_id

    return await context.command(SCOPE, work)


async def _granted(context: Context, tx: Transaction, role_id: UUID) -> Role:
    """The role, if the caller may give it."""
    role = await find_role(tx, role_id=role_id)
    if role is None:
        raise Refused("NOT_FOUND", "There is no such role.", ("input", "roleId"))
    require_manageable(context.caller, frozenset(role.scopes), context.caller.brand_ids, "input", "roleId")
    return role


async def _check_brands(context: Context, tx: Transaction, brand_ids: Sequence[UUID] | None) -> None:
    if brand_ids is not None and (not brand_ids or await members.unknown_brands(tx, list(brand_ids))):
        raise Refused("NOT_FOUND", "Name brands that there are, or leave them out.", ("input", "brandIds"))
    limit = None if brand_ids is None else frozenset(brand_ids)
    require_manageable(context.caller, frozenset(), limit, "input", "brandIds")


async def _invited(context: Context, tx: Transaction, email: str, wanted: Changes) -> UUID:
    """The member with this address, new or invited before; refuses EMAIL_TAKEN."""
    assert wanted.role_id is not None
    added = await members.add_member(
        tx, email=email, name=wanted.name, role_id=wanted.role_id, brand_ids=wanted.brand_ids
    )
    if added:
        return added
    present = await members.lock_member(tx, email=email)
    if present is None or present.state is not MemberState.INVITED:
        raise Refused("EMAIL_TAKEN", "There is a member with this address already.", ("input", "email"))
    require_manageable(context.caller, present.scopes, present.brand_ids, "input", "email")
    await members.update_member(
        tx, present.id, name=wanted.name, role_id=wanted.role_id, limit=True, brands=wanted.brand_ids
    )
    return present.id


async def _locked(context: Context, tx: Transaction, member_id: UUID, expected_version: int | None) -> Standing:
    """The member, if the caller may manage them."""
    member = await members.lock_member(tx, member_id=member_id)
    if member is None:
        raise Refused("NOT_FOUND", "There is no such member.", ("input", "memberId"))
    if expected_version not in (None, member.version):
        message = "The member was changed meanwhile: read them again and repeat with their version."
        raise Refused("STALE", message, ("input", "expectedVersion"), member.version)
    require_manageable(context.caller, member.scopes, member.brand_ids, "input", "memberId")
    return member


async def _require_another_owner(tx: Transaction, member: Standing) -> None:
    if not await members.has_another_owner(tx, member.id):
        message = "Nobody else could run the organization: make somebody else its owner before."
        raise Refused("LAST_OWNER", message, ("input", "memberId"))
