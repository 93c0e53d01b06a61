"""Experiments: variants and what was decided."""

from db.migrations.files import run_files

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0012_experiments", ["tables"])
