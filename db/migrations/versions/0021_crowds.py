"""Crowds: what costs those who read and write very many customers."""

from db.migrations.files import run_files

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_files("0021_crowds", ["tables"])
