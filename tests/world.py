"""A small organization with something of everything, each text marked so that it is recognised anywhere."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db import frequency, journeys, providers, segments, webhooks
from db.database import Database, Transaction
from db.statement import sql
from domain.access import SCOPES
from domain.conditions import parse
from domain.consents import Channel
from domain.frequency import FrequencyRule, WindowUnit
from domain.ids import new_id
from domain.provider_accounts import Draft as AccountDraft
from domain.providers import ProviderKind
from domain.segments import SegmentType
from resolvers.ids import global_id
from tests.receiver import listen

Run = Callable[..., Awaitable[dict[str, Any]]]

_MUTATIONS = """
mutation Customers($customers: CustomersUpsertInput!) { customersUpsert(input: $customers) {
  outcomes { customer { id } } userErrors { message field } } }
mutation Brand($brand: BrandUpdateInput!) { brandUpdate(input: $brand) { userErrors { message field } } }
mutation Member($member: MemberInviteInput!) { memberInvite(input: $member) { userErrors { message field } } }
mutation Tell($tag: CustomerTagInput!, $note: CustomerNoteAddInput!, $orders: OrdersRecordInput!,
    $calls: CallsRecordInput!, $event: EventTrackInput!, $consent: ConsentSetInput!, $suppression: SuppressionAddInput!,
    $key: ApiKeyCreateInput!, $template: TemplateCreateInput!, $topic: ConsentTopicCreateInput!,
    $preference: ContactPreferenceSetInput!) {
  customerTag(input: $tag) { userErrors { message field } }
  customerNoteAdd(input: $note) { userErrors { message field } }
  ordersRecord(input: $orders) { userErrors { message field } }
  callsRecord(input: $calls) { userErrors { message field } }
  eventTrack(input: $event) { userErrors { message field } }
  consentSet(input: $consent) { userErrors { message field } }
  suppressionAdd(input: $suppression) { userErrors { message field } }
  apiKeyCreate(input: $key) { userErrors { message field } }
  templateCreate(input: $template) { template { id } userErrors { message field } }
  consentTopicCreate(input: $topic) { userErrors { message field } }
  contactPreferenceSet(input: $preference) { userErrors { message field } }
}
mutation Campaign($campaign: CampaignCreateInput!) { campaignCreate(input: $campaign) {
  campaign { id } userErrors { message field } } }
mutation Send($send: CampaignSendInput!) { campaignSend(input: $send) { userErrors { message field } } }
"""


async def build_world(
    run: Run, database: Database, organization: UUID, mark: str, *, brand_id: UUID | None = None
) -> None:
    """Fills an organization through its own API; `mark` is part of every name and address.

    brand_id: everything is this brand's, whose customers they are; otherwise it is the organization's or its default
    brand's.
    """

    await _webhook(database, organization, mark)

    async def told(name: str, **variables: Any) -> dict[str, Any]:
        answer = await run(_MUTATIONS, operation=name, **variables)
        assert "errors" not in answer, answer
        assert all(not payload["userErrors"] for payload in answer["data"].values()), answer
        data: dict[str, Any] = answer["data"]
        return data

    async with database.tenant(organization) as tx:
        default = await tx.value("select id from brand where organization_id = :organization and is_default")
        brand = global_id("Brand", brand_id or default)
        role = global_id("Role", await tx.value("select id from role where key = 'analyst'"))
    await told("Member", member={"email": f"{mark}@member.example", "roleId": role, "brandIds": [brand], "name": mark})
    await told("Brand", brand={"brandId": brand, "senderName": mark, "senderEmail": f"{mark}@sender.example"})
    people = [{"externalId": f"{mark}-{n}", "name": f"{mark} {n}", "email": f"{mark}{n}@x.example"} for n in range(3)]
    made = await told("Customers", customers={"customers": people})
    customers = [outcome["customer"]["id"] for outcome in made["customersUpsert"]["outcomes"]]
    fact = {"customer": {"id": customers[0]}, "occurredAt": "2026-03-01T00:00:00Z", "properties": {"p": mark}}
    order = fact | {"key": f"{mark}-o", "amount": "10", "brand": brand, "items": [{"sku": f"{mark}-sku"}]}
    of_brand = {"brand": brand} if brand_id else {}
    more = [order | {"key": f"{mark}-o{n}", "customer": {"id": id_}} for n, id_ in enumerate(customers) if brand_id]
    rest = await told(
        "Tell",
        tag={"customerIds": customers, "tags": [f"{mark}-tag"]},
        note={"customerId": customers[0], "body": f"{mark} note"},
        orders={"source": mark, "orders": [order, *more]},
        calls={"source": mark, "calls": [fact | of_brand | {"key": f"{mark}-c", "durationSeconds": 90}]},
        event=fact | of_brand | {"source": mark, "key": f"{mark}-e", "name": f"{mark}-event"},
        consent={"customerId": customers[1], "brandId": brand, "state": "SUBSCRIBED", "source": mark},
        suppression={"address": f"{mark}gone@x.example"},
        key={"name": f"{mark} key", "scopes": sorted(SCOPES), "brandIds": [brand] if brand_id else None},
        template={
            "brandId": brand,
            "name": f"{mark} template",
            "subject": f"{mark}",
            "text": f"{mark} text",
            "preheader": f"{mark} preheader",
            "translations": [{"locale": "de", "subject": f"{mark} auf Deutsch", "text": f"{mark} Text"}],
        },
        topic={"brandId": brand, "key": f"{mark}-topic", "name": f"{mark} topic", "description": f"{mark} more"},
        preference={"customerId": customers[0], "preferredChannel": "EMAIL"},
    )
    segment = await _segment_and_journeys(database, organization, mark, brand_id)
    campaign = {
        "brandId": brand,
        "name": f"{mark} campaign",
        "templateId": rest["templateCreate"]["template"]["id"],
        "includeSegmentIds": [global_id("Segment", segment)],
    }
    await told("Campaign", campaign=campaign | {"name": f"{mark} draft"})
    sent = await told("Campaign", campaign=campaign)
    await told("Send", send={"campaignId": sent["campaignCreate"]["campaign"]["id"]})
    await _ledger(database, organization, mark)
    async with database.tenant(organization) as tx:
        await _sending(tx, mark, brand_id)


async def _webhook(database: Database, organization: UUID, mark: str) -> None:
    """A webhook that is told everything that follows, and a test on its way."""
    webhook, _ = await listen(database, organization, f"https://{mark}.example/")
    async with database.tenant(organization) as tx:
        await webhooks.test(tx, webhook, datetime.now(UTC))


async def _segment_and_journeys(database: Database, organization: UUID, mark: str, brand_id: UUID | None) -> UUID:
    now = datetime.now(UTC)
    everybody = sql(
        "select id as customer_id from customer where organization_id = :o and external_id like :like",
        o=organization,
        like=f"{mark}-%",
    )
    async with database.tenant(organization) as tx:
        manual = segments.Definition(
            f"{mark}-m", f"{mark} manual", SegmentType.MANUAL, description=mark, brand_id=brand_id
        )
        found = await segments.find_segment(tx, await segments.create_segment(tx, manual, actor=mark))
        assert found is not None
        await segments.assign(tx, found, everybody, now=now, actor=mark)
        condition = parse({"text": {"field": "name", "is": {"contains": mark}}})
        rule = segments.Definition(
            f"{mark}-a", f"{mark} automatic", SegmentType.AUTOMATIC, condition, brand_id=brand_id
        )
        await segments.create_segment(tx, rule, actor=mark)
        await journeys.start(tx, everybody, at=now, actor=mark)
        await tx.run(
            "insert into task (organization_id, id, customer_id, kind, title, due_on) "
            "select organization_id, uuid7(), id, 'CALL', :title, current_date from customer "
            "where organization_id = :organization",
            title=f"{mark} task",
        )
    return found.id


async def _ledger(database: Database, organization: UUID, mark: str) -> None:
    """A message of each running campaign, as if the worker had fixed the audience."""
    async with database.tenant(organization) as tx:
        await tx.run(
            """
            insert into message (organization_id, id, campaign_id, customer_id, channel, address)
            select :organization, :id, g.id, c.id, 'EMAIL', c.email
            from (select id from campaign
                  where organization_id = :organization and status = 'RUNNING' and name like :like limit 1) g,
                 (select id, email from customer
                  where organization_id = :organization and name like :like order by name limit 1) c
            """,
            id=new_id(),
            like=f"{mark} %",
        )
        await _results(tx, mark)


async def _results(tx: Transaction, mark: str) -> None:
    """What came back of that message, what it counts for, and what it cost."""
    await tx.run(
        """
        with m as (select m.id, m.campaign_id, m.customer_id, c.template_id, c.template_version
                   from message m join campaign c on c.organization_id = m.organization_id and c.id = m.campaign_id
                   where m.organization_id = :organization and c.name like :like limit 1),
             l as (insert into link (organization_id, id, template_id, template_version, url)
                   select :organization, uuid7(), template_id, template_version, 'https://' || :mark || '.example/'
                   from m returning id),
             e as (insert into message_event (organization_id, provider, event_id, message_id, type, at, link_id,
                                              detail)
                   select :organization, 'wayfare', :mark || '-click', m.id, 'CLICKED', now(), l.id, :mark from m, l),
             d as (insert into conversion_definition (organization_id, id, campaign_id, name, fact)
                   select :organization, uuid7(), campaign_id, :mark || ' conversion',
                          '{"fact": {"kind": "ORDER", "aggregate": "COUNT", "is": {"gte": "1"}}}' from m returning id),
             v as (insert into conversion (organization_id, definition_id, message_id, campaign_id, customer_id, at)
                   select :organization, d.id, m.id, m.campaign_id, m.customer_id, now() from m, d),
             a as (insert into attribution (organization_id, fact_id, message_id, campaign_id, customer_id, at, amount)
                   select :organization, uuid7(), m.id, m.campaign_id, m.customer_id, now(), 10 from m),
             p as (insert into message_price (organization_id, id, campaign_id, channel, amount)
                   select :organization, uuid7(), campaign_id, 'EMAIL', 0.001 from m)
        update message set status = 'CLICKED', sending_at = now(), sent_at = now(), delivered_at = now(),
                           opened_at = now(), clicked_at = now()
        where organization_id = :organization and id in (select id from m)
        """,
        mark=mark,
        like=f"{mark} %",
    )


async def _sending(tx: Transaction, mark: str, brand_id: UUID | None) -> None:
    """What sending goes by: a rule of how often, and an account with a provider."""
    rule = FrequencyRule(f"{mark} rule", 1_000, 30, WindowUnit.DAYS, brand_id=brand_id)
    assert await frequency.create_rule(tx, new_id(), rule) is None
    settings = {"accountSid": "AC" + "0" * 32, "from": "+15005550006"}
    draft = AccountDraft(f"{mark} account", ProviderKind.TWILIO, Channel.SMS, brand_id, settings, None, None)
    await providers.add_account(tx, new_id(), draft)


async def rows_of(database: Database, organization: UUID) -> dict[str, list[str]]:
    """Every row of the organization as text, by table; equal before and after means that nothing was written."""
    async with database.tenant(organization) as tx:
        tables = await tx.rows(
            """
            select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1
            """
        )
        return {
            table: [row[0] for row in await tx.rows(f'select t::text from "{table}" t order by 1')]
            for table in ["organization", *(row[0] for row in tables)]
        }


async def ids_of(database: Database, organization: UUID, types: dict[str, str]) -> dict[str, list[str]]:
    """Global ids by type; `types` names each type's table."""
    async with database.tenant(organization) as tx:
        return {
            name: [global_id(name, row[0]) for row in await tx.rows(f'select id from "{table}"')]
            for name, table in types.items()
        }
