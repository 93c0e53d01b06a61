"""Activity: what customers do about messages."""

from db.migrations.files import run_files

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0020_activity", ["tables"])
