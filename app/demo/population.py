"""Everybody in the demo, one after another: profile, life, tags and what they want to be sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from app.demo.ids import demo_id
from app.demo.kinds import Kind, any_kind
from app.demo.lives import Life, live
from app.demo.people import Crowd
from domain.consents import Channel, ConsentState
from domain.customers import CustomerReference, ProfileChange, profile_change
from domain.facts import Fact

LOYAL = "regulars' table"


@dataclass(frozen=True, slots=True)
class Character:
    """One customer. consents: brand, channel, state and where it was said, about the topic `marketing`."""

    profile: ProfileChange
    facts: list[Fact]
    tags: list[str]
    consents: list[tuple[UUID, Channel, ConsentState, str]]


def population(customers: int, now: datetime, brands: Mapping[str, UUID]) -> Iterator[Character]:
    """brands: ids by slug. The n-th customer is the same in every size."""
    crowd = Crowd()
    for number in range(1, customers + 1):
        yield _character(crowd, f"demo-{number}", now, brands)


def batches(characters: Iterator[Character], customers: int, facts: int) -> Iterator[list[Character]]:
    """Lists of at most so many customers with at most so many facts in all."""
    batch: list[Character] = []
    told = 0
    for character in characters:
        if batch and (len(batch) == customers or told + len(character.facts) > facts):
            yield batch
            batch, told = [], 0
        batch.append(character)
        told += len(character.facts)
    if batch:
        yield batch


def _character(crowd: Crowd, external_id: str, now: datetime, brands: Mapping[str, UUID]) -> Character:
    chance = Random(external_id)  # noqa: S311  # the same on every machine is what is wanted
    kind = any_kind(chance)
    person = crowd.person(chance, kind, now)
    life = Life(external_id, chance, now.replace(hour=0, minute=0, second=0, microsecond=0), brands)
    live(life, kind)
    first = min((fact.occurred_at for fact in life.facts), default=now - timedelta(days=chance.randint(1, 600)))
    reference, fields = CustomerReference(external_id=external_id), {**person, "acquired_at": first}
    change = profile_change(reference, fields, new_id=demo_id("customer", external_id))
    return Character(change, life.facts, _tags(chance, kind, person["kind"]), _consents(chance, life))


def _tags(chance: Random, kind: Kind, of: str) -> list[str]:
    tags = ["wholesale"] if of == "BUSINESS" else []
    if kind is Kind.VIP:
        tags.append(LOYAL)
    if chance.random() < 0.05:
        tags.append(chance.choice(["press", "staff", "neighbour"]))
    return tags


def _consents(chance: Random, life: Life) -> list[tuple[UUID, Channel, ConsentState, str]]:
    """Most want the news of the brands they know, some say no, of some nothing is known."""
    known = {fact.brand_id for fact in life.facts}
    found = []
    for brand_id in life.brands.values():
        if brand_id not in known:
            continue
        [state] = chance.choices(
            [ConsentState.SUBSCRIBED, ConsentState.UNSUBSCRIBED, ConsentState.PENDING, None], [76, 10, 3, 11]
        )
        if state:
            found.append((brand_id, Channel.EMAIL, state, chance.choice(["checkout", "website", "counter"])))
        if state and chance.random() < 0.2:
            found.append((brand_id, Channel.SMS, state, "counter"))
    return found
