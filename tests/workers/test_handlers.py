"""Every kind of job that is requested anywhere has a handler."""

import ast
from collections.abc import Iterator
from pathlib import Path

from workers import handlers

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("app", "db", "domain", "resolvers", "schema", "workers")
# Function: position of the job's kind among its arguments.
REQUESTS = {"request_job": 1, "Request": 0, "request_operation": 2, "Schedule": 0}


def requested_kinds() -> Iterator[tuple[str, str]]:
    """(kind, place) of each request in the code; a kind is a literal, or a constant of its module."""
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*.py")):
            tree = ast.parse(path.read_text())
            constants = {
                target.id: node.value
                for node in tree.body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for call in ast.walk(tree):
                if isinstance(call, ast.Call) and (kind := _kind(call, constants)):
                    yield kind, f"{path.relative_to(CHECKOUT)}:{call.lineno}"


def _kind(call: ast.Call, constants: dict[str, ast.expr]) -> str | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    if name not in REQUESTS or len(call.args) <= REQUESTS[name]:
        return None
    argument: ast.expr | None = call.args[REQUESTS[name]]
    if isinstance(argument, ast.Name):
        argument = constants.get(argument.id)
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None


def test_every_requested_kind_has_a_handler() -> None:
    known = handlers.load()
    orphans = {kind: place for kind, place in requested_kinds() if kind not in known}
    assert orphans == {}


def test_requests_are_found() -> None:
    """Or the test above could not fail."""
    tree = ast.parse("KIND = 'a.b'\nrequest_job(tx, KIND, dedupe_key='x')\njobs.Request('c.d', 'x')")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [_kind(call, {"KIND": ast.Constant("a.b")}) for call in calls] == ["a.b", "c.d"]
