"""What one operation carries: the caller, the database, the loaders and the time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from db import audit
from db.database import Database, Transaction
from domain.access import Caller
from domain.brands import require_all_brands
from domain.ids import new_id
from domain.refusals import Refusals, Refused, Rejected
from resolvers.audit import Act
from resolvers.loaders import Loaders
from resolvers.metering import Meter
from resolvers.plan.plans import Plans
from resolvers.tools import NO_TOOLS, Tools

Value = TypeVar("Value")


# Executing says which they are.
NO_PLANS = Plans(())


@dataclass
class Context:
    """Made anew for each operation, so nothing of one caller is ever left for the next."""

    database: Database
    caller: Caller
    now: datetime
    tools: Tools = NO_TOOLS
    address: str | None = None
    """Where the request came from; failed sign-ins are counted by it."""
    plans: Plans = field(default_factory=lambda: NO_PLANS)
    """Of the document that this operation is in; outlive the operation."""
    meter: Meter = field(default_factory=Meter)
    act: Act | None = None
    """The mutation field at work, which the audit log names; the executor says it."""
    idempotency_key: str | None = None
    """Of the whole request."""
    keyed: bool = False
    """Whether what is being carried out has an idempotency key."""
    replayed: bool = False
    """Whether the answer is one that was given before."""
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.database, self.caller.organization_id, self.caller.brand_ids)

    @cached_property
    def request_id(self) -> str:
        """What the audit log knows this operation by."""
        return str(new_id())

    def become(self, caller: Caller) -> None:
        """From now on this caller asks: nobody has said who they are."""
        self.caller = caller
        self.__post_init__()

    @property
    def organization_id(self) -> UUID:
        return self.caller.organization_id

    def require_key(self) -> None:
        """Raises IDEMPOTENCY_KEY_REQUIRED: what follows must not happen twice because an answer was lost."""
        if not self.keyed:
            message = "Send this with a key of its own, by the header Idempotency-Key or by @idempotent(key:)."
            raise Rejected("IDEMPOTENCY_KEY_REQUIRED", message)

    async def read(self, work: Callable[[Transaction], Awaitable[Value]]) -> Value:
        """Runs a read in a transaction of its own."""
        async with self.database.tenant(self.organization_id, self.caller.brand_ids) as tx:
            return await work(tx)

    async def command(
        self, scope: str, work: Callable[[Transaction], Awaitable[Value]], *, of_all_brands: bool = False
    ) -> tuple[Value | None, list[Refused]]:
        """One command, one transaction, one line in the audit log: its value, or the refusals and nothing was written.

        of_all_brands: it concerns customers of every brand, so callers of some brands are forbidden.
        """
        self.caller.require(scope)
        if of_all_brands:
            require_all_brands(self.caller.brand_ids)

        async def recorded(tx: Transaction) -> Value:
            value = await work(tx)
            await self.record(tx, value)
            return value

        try:
            value = await self.database.attempt(self.organization_id, recorded, self.caller.brand_ids)
        except Refused as refusal:
            return None, [refusal]
        except Refusals as many:
            return None, many.refusals
        self.loaders.clear()
        return value, []

    async def record(self, tx: Transaction, made: object, actor: str | None = None) -> None:
        """Tells the audit log what this transaction did and what it answered with; whoever asks is the actor."""
        if self.act is not None:
            await audit.append(tx, self.act.deed(made, actor or self.caller.actor, self.request_id))
