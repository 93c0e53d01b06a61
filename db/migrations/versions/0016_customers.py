"""Customers: one who turned out to be two, and all that happened to one in order."""

from db.migrations.files import run_files

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0016_customers", ["tables"])
