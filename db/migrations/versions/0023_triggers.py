"""Triggers: what looking up whom rows name costs who writes many."""

from db.migrations.files import run_files

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0023_triggers", ["tables"])
