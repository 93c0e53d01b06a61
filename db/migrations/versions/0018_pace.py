"""Pace: what costs those who write many rows."""

from db.migrations.files import run_files

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0018_pace", ["tables"])
