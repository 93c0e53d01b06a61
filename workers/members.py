"""Invitations and forgotten passwords by mail: the tokens are made here, so that they are never stored readable."""

from uuid import UUID

from db import invitations, recovery
from db.members import Invited, find_invited
from domain.ids import new_id
from domain.members import INVITATION_LIFE, INVITE_JOB, RESET_JOB, RESET_LIFE
from domain.messages import Answer
from domain.templates import Content
from workers.delivery import Delivery, delivery
from workers.jobs import Run, handles
from workers.parcels import Parcel
from workers.providers.provider import UnreachableError


@handles(INVITE_JOB)
async def invite(run: Run) -> None:
    """Mails a new token to somebody who has not come yet; the token of an attempt that failed is void."""
    here = _delivery()
    member = UUID(run.args["member"])
    async with run.database.tenant(run.organization_id) as tx:
        invited = await find_invited(tx, member)
        if invited is None:
            return
        token = await invitations.invite(tx, member, run.now + INVITATION_LIFE)
    text = _INVITATION.format(
        organization=invited.organization, where=_where(here.invitation_url, token), days=INVITATION_LIFE.days
    )
    await _mail(run, here, invited, Content(f"Join {invited.organization} on Wayfare", text=text))


@handles(RESET_JOB)
async def reset(run: Run) -> None:
    """Mails a new token to who forgot their password; the token of an attempt that failed is void."""
    here = _delivery()
    member = UUID(run.args["member"])
    async with run.database.tenant(run.organization_id) as tx:
        known = await recovery.find_recipient(tx, member)
        if known is None:
            return
        token = await recovery.make_reset(tx, member, run.now + RESET_LIFE)
    text = _RESET.format(organization=known.organization, where=_where(here.reset_url, token))
    await _mail(run, here, known, Content(f"Another password for {known.organization} on Wayfare", text=text))


def _delivery() -> Delivery:
    here = delivery()
    if here.sender is None:
        raise UnreachableError("There is no MAIL_FROM, so nobody can be mailed.")
    return here


def _where(url: str | None, token: str) -> str:
    return url.replace("{token}", token) if url else token


async def _mail(run: Run, here: Delivery, to: Invited, content: Content) -> None:
    assert here.sender  # _delivery looked
    mail = Parcel(new_id(), here.sender, to.organization, to.email, to.name, content, run.now)
    async with here.connect() as provider:
        (outcome,) = await provider.send([mail])
    if outcome.answer is not Answer.ACCEPTED:
        raise UnreachableError(f"The mail was not taken: {outcome.detail}")


_RESET = """\
Somebody, perhaps you, forgot the password for {organization} on Wayfare.

Choose another one here:

{where}

It is good for an hour, and once; every session ends with it. If you did not ask, you need not do anything: the
password stays as it is.
"""
_INVITATION = """\
You are invited to work with {organization} on Wayfare.

Accept the invitation and choose your password here:

{where}

It is good for {days} days, and once. If you did not expect it, you need not do anything.
"""
