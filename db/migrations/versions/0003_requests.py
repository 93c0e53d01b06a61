"""Requests: idempotency keys and trusted documents."""

from db.migrations.files import run_files

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0003_requests", ["tables"])
