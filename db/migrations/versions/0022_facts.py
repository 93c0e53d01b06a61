"""Facts: what the reference of a fact to its customer costs who tells many."""

from db.migrations.files import run_files

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0022_facts", ["tables"])
