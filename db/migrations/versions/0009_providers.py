"""Providers: accounts and devices."""

from db.migrations.files import run_files

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0009_providers", ["tables"])
