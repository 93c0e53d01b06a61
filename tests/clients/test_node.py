"""Clients and checkers of the Node world: Apollo Client, urql, Relay, graphql-http's audits, the schema's linters."""

import shutil
from pathlib import Path

import pytest

from tests.clients.conftest import FOLDER, Check

pytestmark = pytest.mark.clients
PROGRAMS = FOLDER / "node_modules" / ".bin"


@pytest.fixture(scope="module")
def built() -> Path:
    """Empty, so that no check of yesterday is run."""
    shutil.rmtree(FOLDER / "built", ignore_errors=True)
    for generated in ("generated", "relay/__generated__"):
        shutil.rmtree(FOLDER / "src" / generated, ignore_errors=True)
        (FOLDER / "src" / generated).mkdir(parents=True)
    return FOLDER / "built"


def test_schema_keeps_its_conventions_and_promises(check: Check) -> None:
    check("node", "--test", "schema/")


def test_clients_compile_and_agree_with_the_server(check: Check, built: Path) -> None:
    check(str(PROGRAMS / "graphql-codegen"), "--config", "codegen.ts")
    check(str(PROGRAMS / "relay-compiler"))
    check(str(PROGRAMS / "tsc"))
    assert built.exists()
    # One file after the other: a job that one of them starts may hold what another wants to change.
    check("node", "--test", "--test-concurrency=1", "built/src/")
