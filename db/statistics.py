"""Statistics for the planner, kept up while a lot is written at once."""

from db.database import Database


async def keep_statistics(database: Database) -> None:
    """Analyzes the tables that have doubled since the last time; call it between the batches of a bulk load."""
    async with database.untenanted() as tx:
        await tx.run("select keep_statistics()")
