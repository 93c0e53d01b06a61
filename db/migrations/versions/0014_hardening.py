"""Hardening: recovery of accounts and bounds."""

from db.migrations.files import run_files

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0014_hardening", ["tables"])
