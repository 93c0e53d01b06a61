"""The foundation: roles, every table of the first release, definer functions, row-level security."""

from db.migrations.files import run_files

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0001_foundation", ["roles", "functions", "tables", "definers", "security"])
