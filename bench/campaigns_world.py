"""The databases of the figures about campaigns: customers of a brand with addresses, consents and suppressions."""

from dataclasses import dataclass
from uuid import UUID

from bench.database import connected, fresh, opened
from db.campaigns import Draft, create_campaign
from db.database import Transaction
from db.organizations import create_organization
from db.templates import create_template
from domain.campaigns import Audience
from domain.consents import Channel
from domain.ids import new_id
from domain.messages import DeliveryPolicy
from domain.suppressions import AddressKey
from domain.templates import Content

ORGANIZATION, NEIGHBOUR = UUID(int=1), UUID(int=3)
SEGMENT = UUID(int=2)
SECRET = b"the secret of the benchmarks .."
KEY = AddressKey.of(SECRET, ORGANIZATION)
HELLO = Content("Hello {{ customer.first_name | default: 'you' }}", text="{{ customer.name }}, of {{ brand.name }}")

# One in fifty shares an address, one in twenty has none, one in ten said no, one in a hundred is suppressed.
_DATA = """
insert into customer (organization_id, id, name, email, phone)
select current_organization(), lpad(to_hex(n), 32, '0')::uuid, 'Customer ' || n,
       case when n % 20 > 0 then case when n % 50 = 2 then 'C' || n - 1 else 'c' || n end || '@example.com' end,
       '+4930' || n
from generate_series(1, {customers}) n;
insert into customer_brand (organization_id, customer_id, brand_id)
select c.organization_id, c.id, b.id from customer c join brand b using (organization_id)
where c.organization_id = current_organization();
insert into segment (organization_id, id, key, name, type, member_count)
values (current_organization(), '{segment}', 'all', 'All', 'MANUAL', {customers});
insert into segment_membership (organization_id, segment_id, customer_id, source, entered_at, segment_version)
select organization_id, '{segment}', id, 'MANUAL', clock_timestamp(), 1 from customer
where organization_id = current_organization();
insert into consent (organization_id, customer_id, brand_id, channel, topic, state)
select c.organization_id, c.id, b.id, 'EMAIL', 'marketing',
       case when right(c.name, 1) = '0' then 'UNSUBSCRIBED' else 'SUBSCRIBED' end
from customer c join brand b using (organization_id)
where c.organization_id = current_organization() and right(c.name, 1) in ('0', '1', '2', '3');
insert into suppression (organization_id, channel, address_hash, reason)
select distinct organization_id, 'EMAIL',
       sha256($1::bytea || sha256($2::bytea || convert_to(lower(email), 'UTF8'))), 'MANUAL'
from customer where organization_id = current_organization() and email is not null and right(name, 2) = '17';
"""


@dataclass(frozen=True)
class CampaignWorld:
    """A built database of so many customers and a small neighbour, with a brand and a template each."""

    url: str
    customers: int
    brand: UUID
    template: UUID
    # Of the neighbour, which has ten customers.
    its_brand: UUID
    its_template: UUID


async def prepare(server_url: str, customers: int) -> CampaignWorld:
    """Always built anew: what is measured writes to it."""
    url = await fresh(server_url, f"campaigns_{customers}")
    brand, template = await _organization(url, ORGANIZATION, customers)
    its_brand, its_template = await _organization(url, NEIGHBOUR, 10)
    async with connected(url) as connection:
        await connection.execute("vacuum (freeze, analyze)")
    return CampaignWorld(url, customers, brand, template, its_brand, its_template)


async def _organization(url: str, organization_id: UUID, customers: int) -> tuple[UUID, UUID]:
    """Its brand and template."""
    template = new_id()
    async with opened(url) as database, database.tenant(organization_id) as tx:
        await create_organization(tx, name="Bench", slug=f"bench-{organization_id}")
        brand: UUID = await tx.value("update brand set sender_email = 'hello@bench.example' returning id")
        await create_template(
            tx, template, brand_id=brand, name="Hello", channel=Channel.EMAIL, content=HELLO, actor="bench"
        )
    async with connected(url) as connection:
        await connection.execute(
            f"set app.organization = '{organization_id}'; set session_replication_role = replica; "
            "set work_mem = '256MB'"
        )
        for statement in _DATA.format(customers=customers, segment=SEGMENT).split(";\n"):
            given = (KEY.outer, KEY.inner) if "$1" in statement else ()
            if statement.strip():
                await connection.execute(statement, *given)
    return brand, template


async def draft(tx: Transaction, world: CampaignWorld, *, neighbour: bool = False) -> UUID:
    """A campaign to all of an organization's customers."""
    campaign_id = new_id()
    brand, template = (world.its_brand, world.its_template) if neighbour else (world.brand, world.template)
    said = Draft("Bench", None, template, Audience(brand, (SEGMENT,)), DeliveryPolicy.HOLD)
    await create_campaign(tx, campaign_id, said)
    return campaign_id
