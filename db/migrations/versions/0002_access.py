"""People and keys: members, sessions, invitations, brand limits, the audit log."""

from db.migrations.files import run_files

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0002_access", ["tables", "people", "brands", "audit"])
