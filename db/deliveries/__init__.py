"""The steps of a message in the ledger: read, marked before the call to the provider, settled, or recovered.

QUEUED means that nobody has talked to the provider, SENDING that somebody may have. Each step is committed before the
next begins, so after any crash the ledger says what can have happened and what cannot (docs/decisions/0031).
"""

from db.deliveries.marks import LEASE, Marked, mark_sending
from db.deliveries.settling import Settled, recover, settle
from db.deliveries.skips import skip, skip_cancelled
from db.deliveries.waiting import BATCH, Recipient, next_due, wake_after

__all__ = [
    "BATCH",
    "LEASE",
    "Marked",
    "Recipient",
    "Settled",
    "mark_sending",
    "next_due",
    "recover",
    "settle",
    "skip",
    "skip_cancelled",
    "wake_after",
]
