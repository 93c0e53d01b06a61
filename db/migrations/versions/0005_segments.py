"""Segments in full."""

from db.migrations.files import run_files

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0005_segments", ["tables"])
