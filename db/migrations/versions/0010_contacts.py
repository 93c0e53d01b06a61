"""Contacts: templates, preferences and confirmations."""

from db.migrations.files import run_files

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0010_contacts", ["tables"])
