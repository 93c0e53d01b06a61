"""What people in the demo's shops did by hand: friends of the house, notes, addresses never to write to again."""

from datetime import datetime
from uuid import UUID

from app.demo.history import ACTOR
from app.demo.population import LOYAL, Character
from app.demo.segments import FRIENDS, segment_id
from db.customers import add_note
from db.database import Transaction
from db.references import find_customers
from db.segments import assign, find_segment
from db.statement import sql
from db.suppressions import suppress
from domain.consents import Channel
from domain.suppressions import AddressKey, SuppressionReason

NOTES = (
    "Prefers the quiet room at the end of the corridor.",
    "Asked for an invoice to the company; address is on the last order.",
    "Called about opening hours at Christmas, very friendly.",
    "Is looking for a tent that fits two and a dog.",
)
NUMBER_OF_FRIENDS = 12


async def befriend(tx: Transaction, characters: list[Character], brand_id: UUID, now: datetime) -> None:
    """Assigns loyal customers of a brand to the manual segment, and writes a few notes about them."""
    loyal = [who for who in characters if LOYAL in who.tags and brand_id in {fact.brand_id for fact in who.facts}]
    friends = [who.profile.customer for who in loyal[:NUMBER_OF_FRIENDS]]
    found = await find_customers(tx, friends)
    segment = await find_segment(tx, segment_id(FRIENDS), lock=True)
    if segment is None:
        raise LookupError(FRIENDS)
    ids = sorted(found.values())
    await assign(tx, segment, sql("select unnest(:ids::uuid[])", ids=ids), actor=ACTOR, now=now)
    for reference, body in zip(friends, NOTES, strict=False):
        await add_note(tx, found[reference], body, ACTOR)


async def suppress_some(tx: Transaction, characters: list[Character], secret: bytes) -> None:
    """Two mailboxes that do not exist any more, and one person who complained."""
    key = AddressKey.of(secret, tx.organization_id)
    addresses = [email for character in characters if (email := character.profile.fields["email"])]
    reasons = (SuppressionReason.HARD_BOUNCE, SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT)
    # From the end: the first ones are in the examples.
    for address, reason in zip(reversed(addresses), reasons, strict=False):
        await suppress(tx, key, Channel.EMAIL, address, reason)
