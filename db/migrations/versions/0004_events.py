"""Events for the outside: the outbox, webhooks and their deliveries."""

from db.migrations.files import run_files

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0004_events", ["tables"])
