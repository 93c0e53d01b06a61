"""Killed at every named point, at its first, middle and last passage: nothing is lost and nothing is doubled."""

import pytest

from db.points import KILLED
from tests.workers.faults import Scenario, all_scenarios, exited, faults, killed, points_in_code, undisturbed

SCENARIOS = all_scenarios()
# Processes that really end are slow to start; the scenario of the job table alone shows that both ways are the same.
REALLY_EXITED = "jobs"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_kill_changes_nothing_in_the_end(scenario: Scenario, own_url: str) -> None:
    passages, end = await undisturbed(scenario, own_url)
    wrong = {}
    for fault in faults(passages):
        observed = await killed(scenario, own_url, fault)
        if not scenario.agrees(observed, end):
            wrong[str(fault)] = observed
    assert wrong == {}, f"undisturbed: {end}"


async def test_processes_that_really_end_change_nothing_either(own_url: str) -> None:
    [scenario] = [scenario for scenario in SCENARIOS if scenario.name == REALLY_EXITED]
    passages, end = await undisturbed(scenario, own_url)
    for fault in {fault.point: fault for fault in faults(passages)}.values():
        status, observed = await exited(scenario, own_url, fault)
        assert (str(fault), status, observed) == (str(fault), KILLED, end)


async def test_every_point_is_passed_by_a_scenario(own_url: str) -> None:
    """A new point without a scenario that passes it is a promise nobody has tested."""
    passed: set[str] = set()
    for scenario in SCENARIOS:
        passages, _ = await undisturbed(scenario, own_url)
        passed |= set(passages)
    assert points_in_code() - passed == set()
