"""CPU time to refuse each document of the list of attacks, in this process: `make bench ARGS=--refusals`."""

import gc
import time
from dataclasses import dataclass
from pathlib import Path

from graphql import GraphQLError

from bench.report import machine
from schema.documents import read_document
from schema.errors import formatted
from tests.attacks.corpus import documents

# reliability.md, P22.
MOST_MS = 50.0
RUNS = 9


@dataclass(frozen=True, slots=True)
class Refusal:
    name: str
    characters: int
    milliseconds: float
    code: str | None
    """None: it is accepted."""


def refusals() -> list[Refusal]:
    """The dearest first; the best of some runs, because others use the machine too."""
    # As the server does after its start.
    gc.collect()
    gc.freeze()
    found = [_refusal(name, text) for name, text in documents().items()]
    return sorted(found, key=lambda one: -one.milliseconds)


def _refusal(name: str, text: str) -> Refusal:
    code, spent = _read(text)
    return Refusal(name, len(text), min(spent, *(_read(text)[1] for _ in range(RUNS - 1))), code)


def _read(text: str) -> tuple[str | None, float]:
    """From the text to the errors that a client is told; CPU milliseconds."""
    read_document.cache_clear()
    before = time.process_time()
    try:
        errors = list(read_document(text).errors)
    except GraphQLError as error:
        errors = [error]
    told = formatted(errors)
    spent = (time.process_time() - before) * 1_000
    return (told[0]["extensions"]["code"] if told else None), spent


def report(folder: Path) -> str:
    """The table, which is written to `folder` too."""
    found = refusals()
    worst = next(one for one in found if one.code)
    lines = [
        f"CPU milliseconds, best of {RUNS}; {machine()}. Worst refusal {worst.milliseconds:.1f} ms of {MOST_MS:g}.",
        "",
        "| document | characters | ms | answer |",
        "| --- | ---: | ---: | --- |",
        *(f"| {one.name} | {one.characters:,} | {one.milliseconds:.1f} | {one.code or 'accepted'} |" for one in found),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    (folder / "refusals.md").write_text(text)
    return text
