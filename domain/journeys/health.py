"""What can be wrong with journeys."""

from enum import StrEnum


class Flaw(StrEnum):
    NO_HISTORY = "NO_HISTORY"
    BROKEN_CHAIN = "BROKEN_CHAIN"
    NOT_ONE_OPEN_STAY = "NOT_ONE_OPEN_STAY"
    STAGE_MISMATCH = "STAGE_MISMATCH"
    CLOSED_STAGE = "CLOSED_STAGE"
    NO_INITIAL_STAGE = "NO_INITIAL_STAGE"
    OVERDUE = "OVERDUE"
