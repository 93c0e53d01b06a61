"""Runs a revision's SQL files: plain SQL reads better than operations in Python and is what the server sees."""

from collections.abc import Sequence
from pathlib import Path

from alembic import op

VERSIONS = Path(__file__).parent / "versions"


def run_files(revision: str, names: Sequence[str]) -> None:
    """Executes `versions/<revision>/<name>.sql` in order, on the migration's own connection and transaction."""
    connection = op.get_bind().connection.dbapi_connection
    for name in names:
        script = (VERSIONS / revision / f"{name}.sql").read_text()
        # Past SQLAlchemy's prepared statements, which hold one command each.
        connection.run_async(lambda driver, script=script: driver.execute(script))  # type: ignore[union-attr]  # the asyncpg adapter's method
