"""Live segments: what changes reach and stored answers."""

from db.migrations.files import run_files

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0013_live_segments", ["tables", "masks", "signals"])
