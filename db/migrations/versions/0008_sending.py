"""Sending: schedules, caps, channels and the further life of messages."""

from db.migrations.files import run_files

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0008_sending", ["tables"])
