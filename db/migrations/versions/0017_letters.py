"""Letters: what comes back by mail, and what is said of sending."""

from db.migrations.files import run_files

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0017_letters", ["tables"])
