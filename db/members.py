"""Members as they are stored."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.organizations import Brand
from db.records import column
from db.relations import Relation, Sort
from domain.ids import new_id
from domain.members import OWNER, MemberState, scopes_of


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the organization sees it: never the password's hash."""

    id: UUID
    email: str
    name: str | None
    role_id: UUID
    state: str
    last_seen_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    limited_to_brands: bool = column("t.brand_ids is not null")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member may, as rules need it."""

    id: UUID
    email: str
    state: MemberState
    version: int
    role_key: str
    scopes: frozenset[str]
    brand_ids: frozenset[UUID] | None

    @property
    def is_owner(self) -> bool:
        """Whether the organization could be run by this member alone."""
        return self.role_key == OWNER and self.brand_ids is None and self.state is MemberState.ACTIVE


MEMBER_BY_ID = Relation("member", Member, "member t", key="t.id")
MEMBERS = Relation(
    "members", Member, "member t", key="t.organization_id", orders=(("EMAIL", Sort('t.email collate "C"', "text")),)
)
BRANDS_OF_MEMBER = Relation(
    "brands_of_member",
    Brand,
    "(select b.*, m.id as member_id from member m join brand b on b.organization_id = m.organization_id "
    "and (m.brand_ids is null or b.id = any(m.brand_ids))) t",
    key="t.member_id",
    orders=(("NAME", Sort('t.name collate "C"', "text")),),
)


async def add_member(
    tx: Transaction,
    *,
    email: str,
    name: str | None,
    role_id: UUID,
    brand_ids: list[UUID] | None,
) -> UUID | None:
    """Stores somebody who was invited; None when there is a member with this address."""
    added: UUID | None = await tx.value(
        """
        insert into member (organization_id, id, email, name, role_id, brand_ids)
        values (:organization, :id, :email, :name, :role_id, :brand_ids)
        on conflict (organization_id, email) do nothing returning id
        """,
        id=new_id(),
        email=email,
        name=name,
        role_id=role_id,
        brand_ids=brand_ids,
    )
    return added


async def lock_member(tx: Transaction, *, member_id: UUID | None = None, email: str | None = None) -> Standing | None:
    """The member with this id or address, locked until the transaction ends."""
    row = await tx.row(
        """
        select m.id, m.email, m.state, m.version, r.key, r.scopes, m.brand_ids
        from member m join role r on (r.organization_id, r.id) = (m.organization_id, m.role_id)
        where m.organization_id = :organization and (m.id = :id::uuid or m.email = :email::text)
        for update of m
        """,
        id=member_id,
        email=email,
    )
    if row is None:
        return None
    brands = row["brand_ids"]
    return Standing(
        row["id"],
        row["email"],
        MemberState(row["state"]),
        row["version"],
        row["key"],
        scopes_of(row["scopes"]),
        None if brands is None else frozenset(brands),
    )


async def has_another_owner(tx: Transaction, member_id: UUID) -> bool:
    """Whether somebody else may do everything; locks the owners, so that two cannot leave at once."""
    rows = await tx.rows(
        """
        select m.id from member m join role r on (r.organization_id, r.id) = (m.organization_id, m.role_id)
        where m.organization_id = :organization and r.key = :owner and m.brand_ids is null and m.state = 'ACTIVE'
        order by m.id
        for update of m
        """,
        owner=OWNER,
    )
    return any(row["id"] != member_id for row in rows)


async def update_member(
    tx: Transaction, member_id: UUID, *, name: str | None, role_id: UUID | None, limit: bool, brands: list[UUID] | None
) -> None:
    """Changes what is given; the brands only with `limit`, where None takes the limit away."""
    await tx.run(
        """
        update member
        set name = coalesce(:name, name), role_id = coalesce(:role_id, role_id),
            brand_ids = case when :limit then :brands::uuid[] else brand_ids end,
            version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=member_id,
        name=name,
        role_id=role_id,
        limit=limit,
        brands=brands,
    )


async def delete_member(tx: Transaction, member_id: UUID) -> None:
    """Takes the member out, with their invitation and sessions."""
    await tx.run("delete from member where organization_id = :organization and id = :id", id=member_id)


async def activate(tx: Transaction, member_id: UUID, password_hash: str, name: str | None) -> None:
    """From now on the member comes in by this password."""
    await tx.run(
        """
        update member
        set state = 'ACTIVE', password_hash = :password_hash, name = coalesce(:name, name),
            version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=member_id,
        password_hash=password_hash,
        name=name,
    )


@dataclass(frozen=True, slots=True)
class Invited:
    """Whom an invitation is to be sent to, and by which organization."""

    email: str
    name: str | None
    organization: str


async def find_invited(tx: Transaction, member_id: UUID) -> Invited | None:
    """The address of somebody who has not come yet; None for everybody else."""
    return await tx.record(
        Invited,
        "select m.email, m.name, o.name as organization from member m join organization o on o.id = m.organization_id "
        "where m.organization_id = :organization and m.id = :id and m.state = 'INVITED'",
        id=member_id,
    )


async def find_password(tx: Transaction, member_id: UUID) -> tuple[str, str | None]:
    """The member's address and the hash of their password, if they have one; raises LookupError."""
    row = await tx.row(
        "select email, password_hash from member where organization_id = :organization and id = :id", id=member_id
    )
    if row is None:
        message = f"no member {member_id}"
        raise LookupError(message)
    return row["email"], row["password_hash"]


@dataclass(frozen=True, slots=True)
class Listed:
    email: str
    role: str
    state: str
    last_seen_at: datetime | None


async def list_members(tx: Transaction) -> list[Listed]:
    """Everybody, by address."""
    return await tx.records(
        Listed,
        """
        select m.email, r.key, m.state, m.last_seen_at
        from member m join role r on (r.organization_id, r.id) = (m.organization_id, m.role_id)
        where m.organization_id = :organization order by m.email collate "C"
        """,
    )


async def bind_identity(tx: Transaction, member_id: UUID, identity: str) -> bool:
    """From now on the member comes in by this identity of the issuer; False when they have another one already."""
    bound = await tx.run(
        """
        update member
        set state = 'ACTIVE', identity = :identity, version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id and identity is null
        """,
        id=member_id,
        identity=identity,
    )
    await tx.run("delete from invitation where organization_id = :organization and member_id = :id", id=member_id)
    return bound == 1


async def note_seen(tx: Transaction, member_id: UUID, now: datetime) -> None:
    """Remembers when a member was last here, to the minute."""
    await tx.run(
        "update member set last_seen_at = :now where organization_id = :organization and id = :id "
        "and (last_seen_at is null or last_seen_at < :now::timestamptz - interval '1 minute')",
        id=member_id,
        now=now,
    )


async def unknown_brands(tx: Transaction, brand_ids: list[UUID]) -> list[UUID]:
    """Those that are no brand of the organization."""
    rows = await tx.rows(
        "select w.id from unnest(:ids::uuid[]) as w (id) where not exists "
        "(select from brand b where b.organization_id = :organization and b.id = w.id)",
        ids=brand_ids,
    )
    return [row["id"] for row in rows]
