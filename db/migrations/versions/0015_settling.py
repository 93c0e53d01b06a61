"""Settling: what the references of memberships and marks cost who writes many."""

from db.migrations.files import run_files

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0015_settling", ["tables"])
