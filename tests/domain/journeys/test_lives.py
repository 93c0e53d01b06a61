"""Random lives evaluated every night: each move has its reason, and nobody is moved to and fro."""

import random
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.facts import Fact
from domain.journeys import Path, path
from tests.lives import BEGIN, STAGES, Walk, last_activity, life, satisfied

DAYS = 520


def nightly(facts: list[Fact]) -> Walk:
    walk = Walk()
    for day in range(DAYS):
        at = BEGIN + timedelta(days=day, hours=2)
        walk.evaluate(facts, at)
        assert not walk.evaluate(facts, at), "an evaluation repeated at the same instant moves nobody"
    return walk


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_every_move_has_its_reason_and_nobody_flips_to_and_fro(seed: int) -> None:
    facts = life(random.Random(seed), "ada")
    walk = nightly(facts)
    # The start and the first choice share an instant.
    for (entered_at, before), (at, after) in pairwise(walk.history):
        held = satisfied(facts, at, "UTC")
        assert after in held
        match path(STAGES[before], STAGES[after]):
            case Path.PROGRESSION:
                assert not {"at_risk", "churned"} & set(held)
            case Path.RETENTION:
                assert "at_risk" in held
            case Path.WIN_BACK:
                last = last_activity(fact for fact in facts if fact.occurred_at < at)
                assert last is not None
                assert (at - last).days <= 90
            case Path.DEMOTION:
                raise AssertionError(before, after)
        assert entered_at <= at
    # Between two activities there is at most one way up, one into risk and one into loss.
    moments = sorted({fact.occurred_at for fact in facts})
    for begin, end in pairwise([BEGIN, *moments, BEGIN + timedelta(days=DAYS)]):
        moved = [key for at, key in walk.history[1:] if begin <= at < end]
        assert len(moved) <= 3
        assert len(set(moved)) == len(moved)
    highest = [STAGES[key].position for _, key in walk.history if STAGES[key].kind == "PROGRESSION"]
    ever = satisfied([fact for fact in facts if fact.kind != "REFUND"], BEGIN + timedelta(days=DAYS), "UTC")
    assert max(highest) <= max([1, *(STAGES[key].position for key in ever if STAGES[key].kind == "PROGRESSION")])
