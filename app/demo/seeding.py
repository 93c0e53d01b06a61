"""Loads the demo organization by the product's own statements; whatever interrupts it, the next start goes on."""

from datetime import datetime
from uuid import UUID

from app.demo.campaigns import draft_campaigns
from app.demo.catalogue import OUTDOOR, STUDIO
from app.demo.contacts import offer_topics
from app.demo.hands import befriend, suppress_some
from app.demo.history import ACTOR, replay
from app.demo.ids import demo_id
from app.demo.loading import Loading, begin, finish
from app.demo.population import population
from app.demo.progress import Progress
from app.demo.segments import definitions
from app.demo.sizes import Demo
from app.demo.writing import Writer
from db.database import Database, Transaction
from db.dirty_customers import forget_dirty
from db.organizations import add_brand, current_organization, list_brands, update_brand
from db.scores import recalculate
from db.segments import create_segment, refresh_segments

LAST = "Scores, segments and campaigns"


async def seed_demo(
    database: Database, organization_id: UUID, size: Demo, now: datetime, progress: Progress, *, secret: bytes
) -> None:
    """Fills an organization that has no customers yet with lives that end at `now`.

    Called again it changes nothing; after an interruption it does what is left, for the first call's `size` and `now`.
    secret: the installation's, for the hashes of suppressed addresses.
    """
    async with database.tenant(organization_id) as tx:
        loading = await begin(tx, size, now)
    if not loading.done:
        await load(database, organization_id, loading, progress, secret=secret)


async def load(
    database: Database, organization_id: UUID, loading: Loading, progress: Progress, *, secret: bytes
) -> None:
    """Does what is left of a demo that was begun."""
    async with database.tenant(organization_id) as tx:
        brands = await _brands(tx)
    await Writer(database, organization_id, loading, progress).write(brands)
    await replay(database, organization_id, loading, progress)
    progress(0, 1, LAST)
    async with database.tenant(organization_id) as tx:
        await _conclude(tx, loading, brands, secret)
    progress(1, 1, LAST)


async def _brands(tx: Transaction) -> dict[str, UUID]:
    """Makes the two brands what they are in the demo; ids by slug."""
    brands = {brand.slug: brand.id for brand in await list_brands(tx)}
    if OUTDOOR.slug not in brands:
        brands[OUTDOOR.slug] = await add_brand(
            tx,
            brand_id=demo_id("brand", OUTDOOR.slug),
            name=OUTDOOR.name,
            slug=OUTDOOR.slug,
            sender_name=OUTDOOR.name,
            sender_email=OUTDOOR.sender_email,
        )
        await update_brand(
            tx,
            brands[STUDIO.slug],
            name=STUDIO.name,
            timezone=None,
            sender_name=STUDIO.name,
            sender_email=STUDIO.sender_email,
            expected_version=None,
        )
    return brands


async def _conclude(tx: Transaction, loading: Loading, brands: dict[str, UUID], secret: bytes) -> None:
    """All that can be done only once, together with the mark that it is done."""
    organization = await current_organization(tx)
    await recalculate(tx, organization, now=loading.now)
    for definition in definitions(brands):
        await create_segment(tx, definition, actor=ACTOR)
    await refresh_segments(tx, organization, now=loading.now, actor=ACTOR)
    some = list(population(Demo.SMALL.customers, loading.now, brands))
    await befriend(tx, some, brands[OUTDOOR.slug], loading.now)
    await suppress_some(tx, some, secret)
    for slug, brand_id in brands.items():
        await offer_topics(tx, brand_id, slug)
    await draft_campaigns(tx, brands[OUTDOOR.slug])
    await forget_dirty(tx)
    await finish(tx, loading)
