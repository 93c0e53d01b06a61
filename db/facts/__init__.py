"""Facts as they are stored: taken in by sets, read by customer."""

from db.facts.recording import MAX_BATCH, Recorded, record_facts
from db.facts.withdrawing import withdraw_facts

__all__ = ["MAX_BATCH", "Recorded", "record_facts", "withdraw_facts"]
