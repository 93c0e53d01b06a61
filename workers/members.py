"""Invitations by mail: the token is made here, so that it is never stored readable."""

from uuid import UUID

from db import invitations
from db.members import find_invited
from domain.ids import new_id
from domain.members import INVITATION_LIFE, INVITE_JOB
from domain.messages import Answer
from domain.templates import Content
from workers.delivery import delivery
from workers.jobs import Run, handles
from workers.parcels import Parcel
from workers.providers.provider import UnreachableError


@handles(INVITE_JOB)
async def invite(run: Run) -> None:
    """Mails a new token to somebody who has not come yet; the token of an attempt that failed is void."""
    here = delivery()
    if here.sender is None:
        raise UnreachableError("There is no MAIL_FROM, so nobody can be invited by mail.")
    member = UUID(run.args["member"])
    async with run.database.tenant(run.organization_id) as tx:
        invited = await find_invited(tx, member)
        if invited is None:
            return
        token = await invitations.invite(tx, member, run.now + INVITATION_LIFE)
    where = here.invitation_url.replace("{token}", token) if here.invitation_url else token
    text = _TEXT.format(organization=invited.organization, where=where, days=INVITATION_LIFE.days)
    content = Content(f"Join {invited.organization} on Wayfare", text=text)
    mail = Parcel(new_id(), here.sender, invited.organization, invited.email, invited.name, content, run.now)
    async with here.connect() as provider:
        (outcome,) = await provider.send([mail])
    if outcome.answer is not Answer.ACCEPTED:
        raise UnreachableError(f"The invitation was not taken: {outcome.detail}")


_TEXT = """\
You are invited to work with {organization} on Wayfare.

Accept the invitation and choose your password here:

{where}

It is good for {days} days, and once. If you did not expect it, you need not do anything.
"""
