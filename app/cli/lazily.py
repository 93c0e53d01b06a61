"""Commands that are imported when they are called: `wayfare --help` should not wait for a database driver."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Entry:
    """Where a command is: an attribute of a module, a Typer application or a function. `help`: what it says of itself.

    A test compares `help` with what the command says.
    """

    module: str
    help: str
    attribute: str = "app"
    hidden: bool = False

    def stub(self, name: str) -> TyperCommand:
        """As much as a list of commands shows."""
        return TyperCommand(name, help=self.help, hidden=self.hidden)

    def load(self, name: str) -> Any:
        """The command itself."""
        found = getattr(import_module(self.module), self.attribute)
        if isinstance(found, typer.Typer):
            command = typer.main.get_command(found)
        else:
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            alone.command(name, hidden=self.hidden)(found)
            command = typer.main.get_command(alone)
        command.name = name
        return command


class LazyGroup(TyperGroup):
    """A group over `entries`, in their order. Contexts are of the Click that Typer brings along, which has no name."""

    entries: dict[str, Entry] = {}  # noqa: RUF012 - set once by a subclass

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = {name: entry.stub(name) for name, entry in self.entries.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, stub, rest = super().resolve_command(ctx, args)
        return name, self.entries[name].load(name) if stub and name else stub, rest
