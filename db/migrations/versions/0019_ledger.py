"""Ledger: what a message costs."""

from db.migrations.files import run_files

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0019_ledger", ["tables"])
