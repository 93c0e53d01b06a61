"""What happens to a customer of the demo: orders, visits to the studio, calls, tickets and what the website sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from app.demo.catalogue import OUTDOOR, SHOPS, STUDIO, Product, Shop
from app.demo.kinds import Kind
from domain.customers import CustomerReference
from domain.facts import Fact, FactKind, Item, fact

CENT = Decimal("0.01")
# Younger orders may still be pending, younger tickets open, younger appointments only requested.
RECENT_DAYS = 12


@dataclass(slots=True)
class Life:
    """Facts of one customer so far; `midnight` is when the day of the demo's end begins, in UTC."""

    customer: str
    chance: Random
    midnight: datetime
    brands: Mapping[str, UUID]
    facts: list[Fact] = field(default_factory=list)

    def add(self, kind: FactKind, source: str, days: int, shop: Shop | None, **said: Any) -> None:
        """Something that happened so many days ago, at an hour when shops are open."""
        at = self.midnight - timedelta(days=days) + timedelta(minutes=self.chance.randrange(9 * 60, 19 * 60))
        self.facts.append(
            fact(
                kind=kind,
                source=source,
                key=f"{self.customer}-{len(self.facts) + 1}",
                customer=CustomerReference(external_id=self.customer),
                occurred_at=at,
                brand_id=self.brands[shop.slug] if shop else None,
                **said,
            )
        )


def live(life: Life, kind: Kind) -> None:
    """Tells the whole life, the oldest contact first."""
    home = life.chance.choices([(STUDIO,), (OUTDOOR,), SHOPS], [55, 30, 15])[0]
    for stretch in kind.value.stretches:
        for days in stretch.contacts(life.chance):
            shop = life.chance.choice(home)
            if kind.value.buys:
                _customer(life, days, shop, kind.value.baskets)
            else:
                _stranger(life, days, shop, seriously=kind is Kind.LEAD)
    if kind is Kind.SUBSCRIBER or life.chance.random() < 0.15:
        _website(life, life.chance.randint(1, 300), life.chance.choice(home))


def _stranger(life: Life, days: int, shop: Shop, *, seriously: bool) -> None:
    """Somebody who asks and has not bought: a short call, or a long one, or an appointment asked for."""
    if seriously and shop.treatments and days <= RECENT_DAYS:
        _appointment(life, days, shop, "REQUESTED")
    else:
        _call(life, days, shop, (70, 900) if seriously else (8, 60))


def _customer(life: Life, days: int, shop: Shop, baskets: tuple[int, int]) -> None:
    """One contact of somebody who buys; the first one is always a purchase."""
    chance = life.chance
    weights = [45, 40, 8, 7] if shop.treatments else [0, 86, 6, 8]
    [what] = chance.choices(["appointment", "order", "visit", "call"], weights if life.facts else [*weights[:2], 0, 0])
    if what == "appointment":
        _appointment(life, days, shop, chance.choices(["COMPLETED", "NO_SHOW", "CANCELLED"], [84, 9, 7])[0])
    elif what == "order":
        _order(life, days, shop, chance.randint(*baskets))
    elif what == "visit":
        life.add(FactKind.VISIT, "door", days, shop)
    else:
        _call(life, days, shop, (15, 600))


def _appointment(life: Life, days: int, shop: Shop, status: str) -> None:
    treatment = life.chance.choice(shop.treatments)
    amount = treatment.price if status == "COMPLETED" else None
    said = {"treatment": treatment.name}
    life.add(FactKind.APPOINTMENT, "calendar", days, shop, status=status, amount=amount, properties=said)


def _call(life: Life, days: int, shop: Shop, seconds: tuple[int, int]) -> None:
    life.add(FactKind.CALL, "telephone", days, shop, duration_seconds=life.chance.randint(*seconds))


def _order(life: Life, days: int, shop: Shop, articles: int) -> None:
    """An order, and now and then what follows from it: money back or a question."""
    chance = life.chance
    items = [_item(product, chance.choice((1, 1, 1, 2))) for product in chance.sample(shop.products, articles)]
    amount = sum((item.amount or CENT * 0 for item in items), CENT * 0)
    recent = days <= RECENT_DAYS
    [status] = chance.choices(["COMPLETED", "CANCELLED", "PENDING"], [96, 4, 25 if recent else 0])
    life.add(FactKind.ORDER, "shop", days, shop, status=status, amount=amount, items=items)
    if status == "COMPLETED" and days > 10 and chance.random() < 0.06:
        back = amount if chance.random() < 0.5 else (amount / 2).quantize(CENT)
        life.add(FactKind.REFUND, "shop", days - chance.randint(3, 9), shop, amount=back)
    if days > 3 and chance.random() < 0.05:
        life.add(FactKind.TICKET, "helpdesk", days - 2, shop, status="OPEN" if recent else "RESOLVED")


def _item(product: Product, quantity: int) -> Item:
    return Item(product.sku, product.category, product.label, Decimal(quantity), product.price * quantity)


def _website(life: Life, days: int, shop: Shop) -> None:
    name = life.chance.choice(["Newsletter opened", "Wish list filled", "Catalogue viewed"])
    page = life.chance.choice(shop.products).category
    life.add(FactKind.CUSTOM, "website", days, shop, name=name, properties={"page": page})
