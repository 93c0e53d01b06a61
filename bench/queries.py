"""What is asked: seven queries, each server's own document for it, and the variables of its requests."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.database import row_id

DOCUMENTS = Path(__file__).parent / "documents"
VARIANTS = 20


@dataclass(frozen=True)
class Query:
    """One query; `variants` are the variables of successive requests, with row ids as UUIDs of type `of`."""

    name: str
    title: str
    variants: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    of: str = ""

    def document(self, server: str) -> str:
        """GraphQL, or SQL for the limit. Mercurius has Wayfare's schema, as far as the queries go."""
        folder = DOCUMENTS / self.name
        if server == "limit":
            return (folder / "limit.sql").read_text()
        return (folder / f"{'postgraphile' if server == 'postgraphile' else 'wayfare'}.graphql").read_text()

    def bodies(self, server: str, organization_id: UUID, cursors: list[Any]) -> list[dict[str, Any]]:
        """The requests, one for each variant; `cursors` are the server's own for the deep pages."""
        variants = [{"after": cursor} for cursor in cursors] if self.name == "q7" else self.variants
        if server == "limit":
            return [{"query": self.name, "variables": _values(variant)} for variant in variants]
        document = self.document(server)
        return [
            {"query": document, "variables": self._variables(server, organization_id, variant)} for variant in variants
        ]

    def _variables(self, server: str, organization_id: UUID, variant: dict[str, Any]) -> dict[str, Any]:
        if server == "postgraphile":
            words = dict(zip(("firstWord", "secondWord"), variant.get("search", "").split(), strict=False))
            tenant = {"organization": organization_id} if self.of else {}
            return tenant | words | {name: value for name, value in variant.items() if name != "search"}
        if server == "wayfare" and self.of:
            return {"id": urlsafe_b64encode(f"{self.of}:{variant['id']}".encode()).decode().rstrip("=")}
        return variant


def _values(variant: dict[str, Any]) -> list[Any]:
    values: list[Any] = []
    for value in variant.values():
        values += value if isinstance(value, list) else str(value).split()
    return values


# Spread over the kept rows of the smallest size, so that every size is asked for the same ones.
_CUSTOMERS = [{"id": row_id("customer", 17 + 499 * n)} for n in range(VARIANTS)]
_SEGMENTS = [{"id": row_id("segment", n)} for n in range(1, VARIANTS + 1)]
_NAMES = [
    {"search": f"{first} {last}"}
    for first in ("anna", "omar", "lucia", "zoe", "wei")
    for last in ("okafor", "garcia", "muller", "tanaka")
]

QUERIES = [
    Query("q1", "flat page: 50 customers, 8 scalars"),
    Query("q2", "nested page: 50 customers with journey, segments, last 5 transitions, last 5 messages"),
    Query("q3", "segment with 100 members and their metrics", _SEGMENTS, of="Segment"),
    Query(
        "q4", "customer 360: profile, metrics, journey, segments, orders, messages, notes", _CUSTOMERS, of="Customer"
    ),
    Query("q5", "analytics: customers by stage"),
    Query("q6", "search page: two words, ordered by name", _NAMES),
    Query("q7", "deep page: 50 customers behind a cursor, 8 scalars"),
]
