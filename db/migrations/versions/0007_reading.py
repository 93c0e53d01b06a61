"""Reading: functions and indexes of the query planner."""

from db.migrations.files import run_files

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0007_reading", ["search", "counts"])
