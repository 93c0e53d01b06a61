"""The database's clock: all that writes times agrees on it."""

from datetime import datetime

from db.database import Transaction


async def database_time(tx: Transaction) -> datetime:
    """The instant itself, not when the transaction began."""
    now: datetime = await tx.value("select clock_timestamp()")
    return now
