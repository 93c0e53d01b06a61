"""The comparison: every query at every server, checked first, then timed in rounds that take turns."""

from dataclasses import dataclass
from math import ceil
from statistics import mean
from typing import Any
from uuid import UUID

from bench.answers import differences, normalised
from bench.load import Measurement, WrongAnswersError, measure, medians
from bench.queries import Query
from bench.servers import Server

# {server: {connections: figures}}, and that for each query.
Points = dict[str, dict[int, Measurement]]
Results = dict[str, Points]

WARM_UP = 16
LONGEST = 20


@dataclass(frozen=True)
class Plan:
    """How much is measured: rounds, in each at least so many seconds at each number of connections."""

    connections: tuple[int, ...] = (1, 16, 64)
    rounds: int = 5
    seconds: int = 3


@dataclass(frozen=True)
class Candidate:
    """A query at a server: its requests and the mean size of the answers in bytes."""

    query: Query
    server: Server
    bodies: list[dict[str, Any]]
    size: float


class DifferentAnswersError(Exception):
    """Two servers told different things, so there is nothing to compare."""


def check(
    queries: list[Query], servers: list[Server], organization_id: UUID, cursors: dict[str, list[Any]]
) -> list[Candidate]:
    """Ask everything once; a server that cannot answer a query is left out of it, a different answer is an error."""
    return [candidate for query in queries for candidate in _check_query(query, servers, organization_id, cursors)]


def _check_query(
    query: Query, servers: list[Server], organization_id: UUID, cursors: dict[str, list[Any]]
) -> list[Candidate]:
    answered: dict[str, list[Any]] = {}
    candidates = []
    for server in servers:
        bodies = query.bodies(server.name, organization_id, cursors[server.name])
        answers = [server.ask(body) for body in bodies]
        refusals = [answer for answer, _ in answers if answer.get("errors") or not answer.get("data")]
        if refusals:
            print(f"{query.name}: {server.name} does not answer: {str(refusals[0])[:300]}", flush=True)
            continue
        answered[server.name] = [normalised(answer["data"]) for answer, _ in answers]
        candidates.append(Candidate(query, server, bodies, mean(size for _, size in answers)))
    _compare(query, answered)
    return candidates


def _compare(query: Query, answered: dict[str, list[Any]]) -> None:
    (reference, expected), *others = answered.items()
    for name, answers in others:
        found = list(differences(expected, answers))
        if found:
            message = f"{query.name}: {reference} and {name} differ in {len(found)} places, first {found[0]}"
            raise DifferentAnswersError(message)


def run(candidates: list[Candidate], plan: Plan, postmaster: int) -> Results:
    """Warm up, then measure: in each round every query, at each number of connections one server after the other.

    A point at which a server failed in any round has no figures.
    """
    warm = {
        (candidate.query.name, candidate.server.name): _attempt(candidate, postmaster, WARM_UP, 1)
        for candidate in candidates
    }
    found: dict[tuple[str, str, int], list[Measurement | None]] = {}
    for turn in range(plan.rounds):
        print(f"Round {turn + 1} of {plan.rounds} ...", flush=True)
        for query in {candidate.query.name: None for candidate in candidates}:
            for connections in plan.connections:
                for candidate in _in_turn([one for one in candidates if one.query.name == query], turn):
                    name = candidate.server.name
                    seconds = max(plan.seconds, _needed(warm[query, name], connections))
                    figures = _attempt(candidate, postmaster, connections, seconds)
                    found.setdefault((query, name, connections), []).append(figures)
    results: Results = {}
    for (query, server, connections), measurements in found.items():
        points = results.setdefault(query, {}).setdefault(server, {})
        succeeded = [one for one in measurements if one]
        if len(succeeded) == plan.rounds:
            points[connections] = medians(succeeded)
    return results


def _needed(warm: Measurement | None, connections: int) -> int:
    """Seconds in which every connection is answered twice: what is still under way at the end is not counted."""
    return min(LONGEST, ceil(2 * connections / warm.rps)) if warm else LONGEST


def _attempt(candidate: Candidate, postmaster: int, connections: int, seconds: int) -> Measurement | None:
    try:
        return measure(candidate.server, candidate.bodies, candidate.size, postmaster, connections, seconds)
    except WrongAnswersError as error:
        print(f"{candidate.query.name} over {connections} connections: {error}", flush=True)
        return None


def _in_turn(candidates: list[Candidate], turn: int) -> list[Candidate]:
    """Another one begins each round, so that none always follows the same neighbour."""
    first = turn % len(candidates)
    return candidates[first:] + candidates[:first]
