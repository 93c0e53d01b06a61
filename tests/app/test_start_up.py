"""How quickly commands begin: what takes long to import is imported by those alone that need it."""

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app.cli.main import Commands, app

# Each of them takes a tenth of a second or more, with what it brings along.
HEAVY = {
    "schema",
    "resolvers",
    "db",
    "workers",
    "strawberry",
    "graphql",
    "sqlalchemy",
    "asyncpg",
    "alembic",
    "dramatiq",
    "redis",
    "starlette",
    "uvicorn",
    "cryptography",
    "opentelemetry",
    "liquid",
    "phonenumbers",
}
# Settings and HTTP, which commands over the API need.
REMOTE = {"pydantic", "pydantic_settings", "httpx2"}


def imported(*arguments: str) -> set[str]:
    """The packages that a command had imported when it ended, in a process of its own."""
    code = (
        "import sys\n"
        "from app.cli.main import main\n"
        f"sys.argv = ['wayfare', *{arguments!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "print('modules:', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.rpartition("modules:")[2].split())


@pytest.mark.parametrize("arguments", [("--help",), ("keys", "--help")], ids=" ".join)
def test_help_imports_neither_the_schema_nor_a_driver(arguments: tuple[str, ...]) -> None:
    heavy = HEAVY | REMOTE if arguments == ("--help",) else {"schema", "strawberry", "alembic", "dramatiq", "starlette"}
    assert imported(*arguments) & heavy == set()


@pytest.mark.parametrize("noun", ["campaigns", "mail"])
def test_commands_over_the_api_need_no_database(noun: str) -> None:
    assert imported(noun, "--help") & HEAVY == set()


def test_only_the_command_that_explains_needs_the_schema_to_say_what_it_does() -> None:
    code = (
        "import sys\n"
        "from app.cli.main import Commands\n"
        "for name, entry in Commands.entries.items():\n"
        "    assert name == 'explain' or entry.load(name) and 'schema' not in sys.modules, name\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


@pytest.mark.parametrize("name", list(Commands.entries))
def test_the_list_says_what_each_command_says_of_itself(name: str) -> None:
    entry = Commands.entries[name]
    command: Any = entry.load(name)
    assert (command.help or "").partition("\n\n")[0].replace("\n", " ") == entry.help
    assert (command.name, command.hidden) == (name, entry.hidden)


def test_the_command_line_lists_runs_and_refuses() -> None:
    run = CliRunner().invoke
    listed = run(app, ["--help"])
    assert listed.exit_code == 0
    assert all((name in listed.output) != entry.hidden for name, entry in Commands.entries.items())
    assert run(app, []).output.strip() == listed.output.strip()
    assert "Watch a campaign" in run(app, ["campaigns", "watch", "--help"]).output
    assert "Usage: wayfare campaigns watch" in run(app, ["campaigns", "watch", "--help"], prog_name="wayfare").output
    unknown = run(app, ["campaign"])
    assert unknown.exit_code == 2
    assert "campaigns" in unknown.output
    assert run(app, ["inbox", "--help"]).exit_code == 0
    assert run(app, ["campaigns", "watch"]).exit_code == 2


def test_a_group_keeps_what_its_application_says() -> None:
    for name, entry in Commands.entries.items():
        command: Any = entry.load(name)
        assert bool(getattr(command, "commands", None)) == (entry.attribute == "app")
        assert not isinstance(command, typer.Typer)
