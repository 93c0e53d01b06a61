"""Leaks planted on purpose, one in each place that could have one: the probe finds each of them."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

import app.live
from app.live import Hub
from db import customers, relations
from db.database import Database
from db.plans import objects
from db.records import columns_of
from domain.ids import new_id
from domain.live import decode
from domain.refusals import Refused
from resolvers import live, loaders, paging, tags
from resolvers.context import Context
from resolvers.ids import split_id
from resolvers.loaders import Count, Loaders
from schema import node
from schema.limits.bounds import lift
from tests.api import Api
from tests.schema.probe.events import answers_to_events
from tests.schema.probe.probe import UNBOUND, Probe
from tests.schema.probe.worlds import strange_rows, two_brands, two_organizations
from workers import live as announcing

Patch = pytest.MonkeyPatch
Findings = Awaitable[list[str]]


@pytest.fixture
async def powerful(addresses: Any, monkeypatch: Patch) -> AsyncIterator[Database]:
    """A database that row-level security does not bind: what is left is what our own statements say."""

    async def allow(_self: Database) -> None:
        return None

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_refuse_powerful_role", allow)
        opened = await Database.open(addresses.database_url, role="none")
    yield opened
    await opened.close()


def unfence(patch: Patch, powerful: Database) -> None:
    """Without row-level security for whatever is asked from here on."""
    for name in ("tenant", "attempt", "answer"):
        patch.setattr(Database, name, getattr(powerful, name))


async def asked(probe: Probe, kind: str, field: str, **options: Any) -> list[str]:
    return [finding for question in probe.questions(kind, field) for finding in await probe.trial(question, **options)]


async def in_a_loader(probe: Probe, patch: Patch, powerful: Database) -> list[str]:
    unfence(patch, powerful)
    patch.setattr(relations, "_TENANT", "true")
    return await asked(probe, "query", "nodes", planner=False)


async def in_the_planner(probe: Probe, patch: Patch, powerful: Database) -> list[str]:
    unfence(patch, powerful)
    patch.setattr(objects, "_among", lambda relation: f"{relation.key} = :key")
    document = f'{{ customer(by: {{id: "{probe.foreign["Customer"][0]}"}}) {{ name }} }}'
    return await probe.findings(document, planner=True)


async def in_node(probe: Probe, patch: Patch, powerful: Database) -> list[str]:
    unfence(patch, powerful)

    async def find(info: Any, value: str) -> Any:
        type_, identifier = split_id(value)
        found = node._FOUND.get(type_)
        if found is None:
            return None
        by_id = found.by_id
        query = f"select {columns_of(by_id.record)} from {by_id.source} where {by_id.key} = :id"
        return await info.context.read(lambda tx: tx.record(by_id.record, query, id=identifier))

    patch.setattr(node, "find", find)
    return await asked(probe, "query", "node")


async def in_a_cursor(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    def encode(_arguments: object, value: str, tie: str) -> str:
        return urlsafe_b64encode(orjson.dumps(["", value, tie, str(probe.stranger)])).decode().rstrip("=")

    patch.setattr(paging, "encode_cursor", encode)
    return await asked(probe, "query", "customers", planner=False)


async def in_a_count(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    async def count(_self: Loaders, *_: object) -> Count:
        return Count(6, "EXACT")

    patch.setattr(loaders.Loaders, "count", count)
    return await probe.miscounts(planner=False)


async def in_a_mutation(probe: Probe, patch: Patch, powerful: Database) -> list[str]:
    async def add_note(tx: Any, customer_id: UUID, body: str, author: str) -> Any:
        async with powerful.tenant(probe.stranger) as other:
            return await other.value(
                "insert into customer_note (organization_id, id, customer_id, body, author) "
                "select c.organization_id, :id, c.id, :body, :author from customer c where c.id = :customer "
                "returning id",
                id=new_id(),
                customer=customer_id,
                body=body,
                author=author,
            )

    before = await strange_rows(powerful, probe)
    patch.setattr(customers, "add_note", add_note)
    await asked(probe, "mutation", "customerNoteAdd")
    return [] if await strange_rows(powerful, probe) == before else ["written"]


async def in_what_is_known(probe: Probe, patch: Patch, powerful: Database) -> list[str]:
    """An oracle: what another organization has is told from what nobody has."""

    async def unknown(_tx: Any, ids: list[UUID]) -> set[UUID]:
        async with powerful.tenant(probe.stranger) as other:
            rows = await other.rows("select id from customer where id = any(:ids::uuid[])", ids=list(ids))
        return set(ids) - {row[0] for row in rows}

    patch.setattr(tags, "unknown_customers", unknown)
    return await asked(probe, "mutation", "customerTag")


async def in_the_text_of_an_error(probe: Probe, patch: Patch, powerful: Database) -> list[str]:
    async def add_note(tx: Any, customer_id: UUID, body: str, author: str) -> None:
        async with powerful.tenant(probe.stranger) as other:
            name = await other.value("select name from customer where id = :id", id=customer_id)
        raise Refused("NOT_FOUND", f"You cannot write about {name}.", ("input", "customerId"))

    patch.setattr(customers, "add_note", add_note)
    return [found for found in await asked(probe, "mutation", "customerNoteAdd") if found.startswith("canary")]


async def in_loaders_without_brands(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    make = Loaders.__init__

    def forget(self: Loaders, database: Database, organization: UUID, _brands: object = None) -> None:
        make(self, database, organization)

    patch.setattr(Loaders, "__init__", forget)
    return await asked(probe, "query", "customers", planner=False)


async def in_plans_without_brands(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    answer_ = Database.answer

    async def answer(self: Database, organization: UUID, statement: Any, _brands: object = None) -> Any:
        return await answer_(self, organization, statement)

    async def read(self: Context, work: Callable[..., Awaitable[Any]]) -> Any:
        async with self.database.tenant(self.organization_id) as tx:
            return await work(tx)

    patch.setattr(Database, "answer", answer)
    patch.setattr(Context, "read", read)
    return await asked(probe, "query", "brands", planner=True)


async def in_commands_without_brands(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    attempt = Database.attempt

    async def unlimited(self: Database, organization: UUID, work: Any, _brands: object = None) -> Any:
        return await attempt(self, organization, work)

    patch.setattr(Database, "attempt", unlimited)
    return await asked(probe, "mutation", "customerNoteAdd")


async def in_events(probe: Probe, patch: Patch, powerful: Database) -> list[str]:
    async def as_it_is(_context: Context, event: Any) -> Any:
        return event

    async def yes(*_: object) -> bool:
        return True

    patch.setattr(live, "_narrowed", as_it_is)
    patch.setattr(live, "_sees", yes)
    return await heard(probe)


async def in_the_delivery_of_events(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    """What Redis says of one organization is told to everybody who watches."""

    async def deliver(self: Any, _pubsub: object, _name: str, data: bytes) -> None:
        for name in list(self._watches):
            self._tell(name, decode(data))

    patch.setattr(Hub, "_deliver", deliver)
    return await heard(probe)


async def in_the_channels_of_events(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    for module in (announcing, app.live):
        patch.setattr(module, "channel", lambda _organization: "{wayfare}:live")
    return await heard(probe)


async def in_what_is_watched(probe: Probe, patch: Patch, _powerful: Database) -> list[str]:
    async def watch(context: Context, wanted: Callable[..., bool]) -> Any:
        assert context.tools.feed
        return await context.tools.feed.watch(probe.stranger, wanted)

    patch.setattr(live, "_watch", watch)
    return await heard(probe)


async def heard(probe: Probe) -> list[str]:
    """What is not the caller's in the answers to all subscriptions."""
    found = []
    for question in probe.questions("subscription"):
        answers = await answers_to_events(probe.database, probe, question.document)  # type: ignore[attr-defined]  # set below
        found += probe.canaries_in(answers, question.document)
    return found


LEAKS = {
    two_organizations: [
        in_a_loader,
        in_the_planner,
        in_node,
        in_a_cursor,
        in_a_count,
        in_a_mutation,
        in_what_is_known,
        in_the_text_of_an_error,
        in_the_delivery_of_events,
        in_the_channels_of_events,
        in_what_is_watched,
    ],
    two_brands: [
        in_loaders_without_brands,
        in_plans_without_brands,
        in_commands_without_brands,
        in_a_count,
        in_events,
    ],
}


@pytest.mark.parametrize("world", LEAKS, ids=["organizations", "brands"])
async def test_every_planted_leak_is_found(
    world: Any, api: Api, database: Database, organization: UUID, powerful: Database, monkeypatch: Patch
) -> None:
    probe: Probe = await world(api, database, organization)
    probe.database = database  # type: ignore[attr-defined]  # for the subscriptions
    for leak in LEAKS[world]:
        with monkeypatch.context() as patch, lift(UNBOUND):
            assert await leak(probe, patch, powerful), leak.__name__
