"""Results: callbacks, links, replies, conversions and costs."""

from db.migrations.files import run_files

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0011_results", ["tables"])
