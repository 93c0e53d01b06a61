"""`wayfare members`: who may sign in; how the first owner of an organization gets in."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.connection import connected, run
from db.invitations import invite as make_invitation
from db.members import Listed, add_member, list_members, lock_member
from db.roles import find_role
from domain.customers import email as checked_email
from domain.members import INVITATION_LIFE, OWNER, ROLES, MemberState
from domain.refusals import Refused

app = typer.Typer(no_args_is_help=True, help="Members, who sign in with a password.")


@app.callback()
def members() -> None:
    """Members, who sign in with a password."""


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Whom.")],
    role: Annotated[str, typer.Option(help="What they may do.")] = OWNER,
    organization: Annotated[str | None, typer.Option(help="Slug; needed when there are several.")] = None,
) -> None:
    """Invite somebody and print the token that the mutation invitationAccept takes; it is good for a week, and once."""
    text, known = run(_invite(email, role, organization))
    told = Console(soft_wrap=True, stderr=True)
    told.print("Accept it with a new password, at your application or so:" if not known else "They get a new password.")
    told.print('mutation { invitationAccept(input: {token: "...", password: "..."}) { tokens { accessToken } } }')
    Console(soft_wrap=True).print(text, highlight=False, markup=False)


@app.command("list")
def list_(
    organization: Annotated[str | None, typer.Option(help="Slug; needed when there are several.")] = None,
) -> None:
    """Show the members, what they may do and when they were last here."""
    table = Table("Address", "Role", "State", "Last seen", box=None)
    for member in run(_list(organization)):
        seen = f"{member.last_seen_at:%Y-%m-%d %H:%M}" if member.last_seen_at else "never"
        table.add_row(member.email, member.role, member.state, seen)
    Console().print(table)


async def _invite(email: str, role: str, organization: str | None) -> tuple[str, bool]:
    """The token, and whether it is for somebody who has come in before: who runs the server may let them in again."""
    async with connected() as wayfare, wayfare.database.tenant(await wayfare.organization(organization)) as tx:
        try:
            address = checked_email(email)
        except Refused as refusal:
            raise typer.BadParameter(refusal.message) from refusal
        found = await find_role(tx, key=role)
        if found is None:
            raise typer.BadParameter(f"There is no role {role}; there are: {', '.join(each.key for each in ROLES)}")
        added = await add_member(tx, email=address, name=None, role_id=found.id, brand_ids=None)
        member = await lock_member(tx, email=address)
        assert member
        known = added is None and member.state is MemberState.ACTIVE
        return await make_invitation(tx, member.id, datetime.now(UTC) + INVITATION_LIFE), known


async def _list(organization: str | None) -> list[Listed]:
    async with connected() as wayfare, wayfare.database.tenant(await wayfare.organization(organization)) as tx:
        return await list_members(tx)
