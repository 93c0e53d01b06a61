"""Fault points under test: a scenario is killed at every point it passes, begun again, and must end as if never killed.

A noun brings its scenarios in tests/workers/scenarios/<noun>.py, in a list SCENARIOS; test_faults.py does the rest.
"""

import ast
import asyncio
import operator
import os
import pkgutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from db.database import Database
from db.organizations import create_organization
from db.points import VARIABLE, Watcher, watched
from domain.ids import new_id
from tests.jobs import drain, wait
from tests.workers import scenarios

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("db", "resolvers", "workers")

Step = Callable[[Database, UUID], Awaitable[Any]]


class Killed(BaseException):
    """Stands for the end of the process: ordinary handlers do not catch it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kill at the n-th passage of a point, n from 1."""

    point: str
    passage: int

    def __str__(self) -> str:
        return f"{self.point}:{self.passage}"


async def _nothing(database: Database, organization: UUID) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a client asks for and what must be true in the end.

    prepare: what is there already. act: the client's calls, which it repeats when it got no answer, so they must be
    idempotent (a key, a compare-and-set). observe: the end, without ids and times. agrees(observed, undisturbed):
    whether an end after a kill is right; the same, unless the noun promises less.
    """

    name: str
    act: Step
    observe: Step
    prepare: Step = _nothing
    agrees: Callable[[Any, Any], bool] = operator.eq


def all_scenarios() -> list[Scenario]:
    modules = [import_module(f"{scenarios.__name__}.{m.name}") for m in pkgutil.iter_modules(scenarios.__path__)]
    return [scenario for module in modules for scenario in module.SCENARIOS]


def points_in_code() -> set[str]:
    """The name of every `point("...")` of the product."""
    trees = [ast.parse(path.read_text()) for room in ROOMS for path in (CHECKOUT / room).rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [call for call in calls if getattr(call.func, "id", None) == "point"]
    return {ast.literal_eval(call.args[0]) for call in named}


async def undisturbed(scenario: Scenario, url: str) -> tuple[Counter[str], Any]:
    """How often each point is passed, and the end."""
    passages: Counter[str] = Counter()
    organization = await _prepared(scenario, url)
    with watched(lambda name: passages.update([name])):
        end = await _run(scenario, url, organization)
    return passages, end


def faults(passages: Counter[str]) -> list[Fault]:
    """First, middle and last passage of each point."""
    return [Fault(point, n) for point, count in sorted(passages.items()) for n in sorted({1, (count + 1) // 2, count})]


async def killed(scenario: Scenario, url: str, fault: Fault) -> Any:
    """The end after a kill at the fault, on connections of its own before and after."""
    organization = await _prepared(scenario, url)
    answered = False

    def answer() -> None:
        nonlocal answered
        answered = True

    try:
        with watched(killer(fault)):
            await _run(scenario, url, organization, answer)
    except Killed:
        return await _resumed(scenario, url, organization, answered=answered)
    message = f"{fault} was not reached: the scenario does not do the same each time"
    raise AssertionError(message)


async def exited(scenario: Scenario, url: str, fault: Fault) -> tuple[int, Any]:
    """As `killed`, but a process of its own really ends there; its exit status and the end."""
    organization = await _prepared(scenario, url)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.workers.faults", scenario.name, url, str(organization)],
        cwd=CHECKOUT,
        env=os.environ | {VARIABLE: str(fault)},
        check=False,
    )
    # It may have been answered or not: the client repeats the call.
    return done.returncode, await _resumed(scenario, url, organization, answered=False)


async def _prepared(scenario: Scenario, url: str) -> UUID:
    organization = new_id()
    async with _opened(url) as database:
        async with database.tenant(organization) as tx:
            await create_organization(tx, name="Test", slug=f"test-{organization}")
        await scenario.prepare(database, organization)
    return organization


async def _run(scenario: Scenario, url: str, organization: UUID, answered: Callable[[], None] = lambda: None) -> Any:
    async with _opened(url) as database:
        await scenario.act(database, organization)
        answered()
        await _finish(database, organization)
        return await scenario.observe(database, organization)


async def _resumed(scenario: Scenario, url: str, organization: UUID, *, answered: bool) -> Any:
    async with _opened(url) as database:
        if not answered:
            await scenario.act(database, organization)
        await _finish(database, organization)
        return await scenario.observe(database, organization)


async def _finish(database: Database, organization: UUID) -> None:
    """A worker at work until nothing is left to do, hours later if need be."""
    for _ in range(20):
        await drain(database, organization)
        async with database.tenant(organization) as tx:
            left = await tx.value(
                "select count(*) from job where organization_id = :organization and state in ('ready', 'running')"
            )
        if not left:
            return
        await wait(database, organization)
    raise AssertionError("the jobs do not come to an end")


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url, size=4)
    try:
        yield database
    finally:
        await asyncio.wait_for(database.close(), 10)


def killer(fault: Fault) -> Watcher:
    """Ends the work there, once."""
    left = fault.passage

    def watch(name: str) -> None:
        nonlocal left
        left -= name == fault.point
        if left == 0:
            left = -1
            raise Killed

    return watch


if __name__ == "__main__":
    wanted, url, organization = sys.argv[1:]
    [found] = [scenario for scenario in all_scenarios() if scenario.name == wanted]
    asyncio.run(_run(found, url, UUID(organization)))
