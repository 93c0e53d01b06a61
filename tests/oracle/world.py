"""A small world for the oracle: customers with everything that conditions can ask about."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass
class Item:
    sku: str
    category: str | None = None
    brand_label: str | None = None


@dataclass
class Fact:
    kind: str
    occurred_at: datetime
    status: str | None = None
    amount: Decimal | None = None
    duration_seconds: int | None = None
    name: str | None = None
    source: str = "shop"
    brand: UUID | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)


@dataclass
class Spell:
    stage: str
    entered_at: datetime
    exited_at: datetime | None


@dataclass
class Message:
    campaign: UUID
    brand: UUID
    channel: str
    status: str
    sent_at: datetime | None
    updated_at: datetime
    opened_at: datetime | None = None
    clicked_at: datetime | None = None


@dataclass
class Consent:
    brand: UUID
    channel: str
    topic: str
    state: str


@dataclass
class Customer:
    id: UUID
    acquired_at: datetime
    kind: str = "PERSON"
    name: str | None = None
    email: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    loyalty_level: str | None = None
    locale: str | None = None
    timezone: str | None = None
    date_of_birth: date | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    engagement_score: Decimal | None = None
    risk_score: Decimal | None = None
    tags: set[str] = field(default_factory=set)
    brands: set[UUID] = field(default_factory=set)
    segments: set[UUID] = field(default_factory=set)
    facts: list[Fact] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)


@dataclass
class World:
    timezone: str
    now: datetime
    customers: list[Customer]
