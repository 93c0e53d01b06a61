"""Every kind of job that is requested anywhere has a handler."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from workers import handlers

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("app", "db", "domain", "resolvers", "schema", "workers")
# Function: position of the job's kind among its arguments.
REQUESTS = {"request_job": 1, "Request": 0, "request_operation": 2, "Schedule": 0}
# These pass on the kind that their caller names.
PASSING_ON = {"db/jobs.py", "db/bulk.py", "db/schedule.py"}


def requested_kinds() -> Iterator[tuple[str, str]]:
    """(kind, place) of each request in the code."""
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            module = path.relative_to(CHECKOUT)
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            if str(module) not in PASSING_ON:
                asked = [call for call in calls if requests(call)]
                yield from ((found, f"{module}:{call.lineno}") for call in asked for found in kinds(call, module))


def requests(call: ast.Call) -> bool:
    return name_of(call) in REQUESTS


def name_of(call: ast.Call) -> str | None:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)


def kinds(call: ast.Call, module: Path) -> list[str]:
    """The kinds asked for: both of a choice."""
    argument = call.args[REQUESTS[str(name_of(call))]]
    choices = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
    return [kind(choice, module) for choice in choices]


def kind(argument: ast.expr, module: Path) -> str:
    """A literal, or a constant that the module has or imports."""
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    names = import_module(".".join(module.with_suffix("").parts))
    value: Any = eval(ast.unparse(argument), vars(names))
    assert isinstance(value, str)
    return value


def test_every_requested_kind_has_a_handler() -> None:
    known = handlers.load()
    orphans = {found: place for found, place in requested_kinds() if found not in known}
    assert orphans == {}


def test_a_kind_that_cannot_be_read_is_not_passed_over() -> None:
    """Or the test above could be silent."""
    calls = [ast.parse(text).body[0] for text in ("request_job(tx, OPERATION)", "jobs.Request('c.d')", "Request(k)")]
    [constant, literal, variable] = [node.value for node in calls if isinstance(node, ast.Expr)]
    module = Path("db/bulk.py")
    assert isinstance(constant, ast.Call)
    assert isinstance(literal, ast.Call)
    assert isinstance(variable, ast.Call)
    assert kinds(constant, module) == ["bulkOperationId"]
    assert kinds(literal, module) == ["c.d"]
    with pytest.raises(NameError):
        kinds(variable, module)
