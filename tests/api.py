"""Fixtures that run GraphQL operations as a caller of the test's own organization."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from db.database import Database, Transaction
from db.statement import Statement
from db.webhooks import Vault
from domain.access import SCOPES, Caller
from domain.consents import Channel
from resolvers.context import Context
from resolvers.tokens import TokenKeys
from resolvers.tools import Tools
from schema.execute import PLANNER, execute
from tests.campaigns import SECRET
from workers.templates import check, show

# As if SMTP_URL were set.
TOOLS = Tools(
    check,
    SECRET,
    tokens=TokenKeys([SECRET]),
    vault=Vault([SECRET]),
    show_template=show,
    carried=frozenset({Channel.EMAIL}),
)
# Mutations that are refused without an idempotency key.
NEED_KEYS = re.compile(r"\b(campaignSend|messageSend|\w+Import)\(")
Api = Callable[..., Awaitable[dict[str, Any]]]


def caller(
    organization: UUID, scopes: frozenset[str] = frozenset(SCOPES), brands: frozenset[UUID] | None = None
) -> Caller:
    return Caller(organization, "key:test", scopes, brands)


@pytest.fixture
def api(database: Database, organization: UUID) -> Api:
    """`await api(document, scopes=..., organization=..., **variables)` -> `{data, errors}`; every scope by default.

    `idempotency_key` is the request's idempotency key; what cannot do without one gets a new one each time.
    """

    async def run(
        document: str,
        *,
        scopes: frozenset[str] = frozenset(SCOPES),
        organization: UUID = organization,
        brands: frozenset[UUID] | None = None,
        planner: bool = PLANNER,
        operation: str | None = None,
        idempotency_key: str | None = None,
        **variables: Any,
    ) -> dict[str, Any]:
        context = Context(database, caller(organization, scopes, brands), datetime.now(UTC), TOOLS)
        context.idempotency_key = idempotency_key or (str(uuid4()) if NEED_KEYS.search(document) else None)
        answer: dict[str, Any] = orjson.loads(
            orjson.dumps(await execute(context, document, variables, operation, planner=planner))
        )
        return answer

    return run


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text of every statement that is run from here on; `len(statements)` pins query counts."""
    seen: list[str] = []
    resolve = Transaction._resolve

    def count(self: Transaction, *arguments: Any) -> Any:
        resolved = resolve(self, *arguments)
        seen.append(resolved[0])
        return resolved

    answer = Database.answer

    def count_answer(self: Database, organization: UUID, statement: Statement, *brands: Any) -> Any:
        seen.append(statement.text)
        return answer(self, organization, statement, *brands)

    monkeypatch.setattr(Transaction, "_resolve", count)
    monkeypatch.setattr(Database, "answer", count_answer)
    return seen
