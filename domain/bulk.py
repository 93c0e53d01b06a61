"""Bulk operations: long work that people start, watch and may stop."""

from dataclasses import dataclass
from enum import StrEnum

from domain.refusals import Refused


class BulkKind(StrEnum):
    IMPORT = "IMPORT"
    REFRESH = "REFRESH"
    EVALUATE = "EVALUATE"
    SCORE = "SCORE"
    SEND = "SEND"
    EXPORT = "EXPORT"
    BACKTEST = "BACKTEST"
    PREVIEW = "PREVIEW"


class BulkState(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


# Who may stop an operation is who could have started it.
SCOPES = {
    BulkKind.IMPORT: "customers:edit",
    BulkKind.REFRESH: "segments:manage",
    BulkKind.EVALUATE: "journeys:edit",
    BulkKind.SCORE: "journeys:edit",
    BulkKind.SEND: "campaigns:send",
    BulkKind.EXPORT: "customers:view",
    BulkKind.BACKTEST: "segments:view",
    BulkKind.PREVIEW: "segments:view",
}
OPEN = frozenset({BulkState.QUEUED, BulkState.RUNNING})


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row of the input was refused; `row_number` counts from 1, without a header."""

    row_number: int
    code: str
    message: str
    field: str | None = None


def require_cancellable(state: str) -> None:
    """Refuses ALREADY_ENDED when nothing is left to stop."""
    if state not in OPEN:
        raise Refused("ALREADY_ENDED", f"The operation has ended already: {state}.", ("input", "id"))
