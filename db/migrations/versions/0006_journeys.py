"""Journeys in full."""

from db.migrations.files import run_files

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0006_journeys", ["tables"])
