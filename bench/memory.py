"""Memory of one process over ever new documents: what is remembered of them is bounded."""

import asyncio
import gc
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import track

from bench.database import World, opened
from domain.access import SCOPES, Caller
from resolvers.context import Context
from schema.execute import execute

STEPS = 10
# Each is run twice, because the second run takes another road (resolvers/plan/roots.py).
DOCUMENT = """
query Page{number}($first: Int!) {{
  customers(first: $first) {{
    nodes {{ id name{number}: name journey {{ stage {{ key }} }} }}
    pageInfo {{ endCursor }}
  }}
}}
"""


async def measure(world: World, documents: int) -> list[tuple[int, float]]:
    """Resident memory in MiB after each tenth of so many different documents."""
    caller = Caller(world.organization_id, "bench", frozenset(SCOPES))
    found = []
    async with opened(world.url) as database:
        for number in track(range(documents), "Running documents"):
            for _ in range(2):
                context = Context(database, caller, datetime.now(UTC))
                answer = await execute(context, DOCUMENT.format(number=number), {"first": 1})
                assert "errors" not in answer, answer
            if (number + 1) % (documents // STEPS) == 0:
                gc.collect()
                found.append((number + 1, resident()))
    return found


def resident() -> float:
    """This process's resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def table(found: list[tuple[int, float]]) -> str:
    rows = [f"| {number:,} | {memory:.0f} |" for number, memory in found]
    return "\n".join(["| documents | MiB |", "| ---: | ---: |", *rows]) + "\n"


def report(world: World, documents: int, folder: Path) -> str:
    """Measures, keeps the table in the folder and returns it."""
    text = table(asyncio.run(measure(world, documents)))
    folder.mkdir(exist_ok=True)
    (folder / "memory.md").write_text(text)
    return text
