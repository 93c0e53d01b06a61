"""Clients and checkers of the Python world: gql, and Schemathesis with valid data and with invalid data."""

import pytest

from tests.clients.conftest import FOLDER, PYTHON, Check

pytestmark = pytest.mark.clients
# Of each operation: about two and a half minutes of one core in all.
EXAMPLES = {"positive": 8, "negative": 10}


def test_gql(check: Check) -> None:
    own = ["-c", "python/pytest.ini", "--noconftest", "python/gql_client.py"]
    check(str(PYTHON), "-m", "pytest", "-q", *own)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", EXAMPLES)
def test_schemathesis(check: Check, wayfare: dict[str, str], mode: str) -> None:
    """Every operation but those that would take the key's rights and one for people; U+0000 is refused everywhere."""
    own = {"SCHEMATHESIS_MODE": mode, "SCHEMATHESIS_HOOKS": "valid_values", "PYTHONPATH": str(FOLDER / "python")}
    options = ["--mode", mode, "--max-examples", str(EXAMPLES[mode]), "--seed", "1", "--no-color"]
    names = ("apiKeyRevoke", "apiKeyUpdate", "passwordChange")
    left_out = [part for name in names for part in ("--exclude-name", f"Mutation.{name}")]
    exceptions = [*left_out, "--generation-allow-x00", "false"]
    header = ["-H", f"Authorization: Bearer {wayfare['WAYFARE_KEY']}"]
    program = str(PYTHON.with_name("st"))
    check(program, "run", wayfare["WAYFARE_URL"], *header, *options, *exceptions, timeout=500, **own)
