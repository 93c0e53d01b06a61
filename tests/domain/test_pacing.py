"""The bucket lets through what its rate says, and the breaker opens, tries and closes."""

from domain.pacing import FAILURES, OPEN_FOR, Breaker, Bucket


def test_a_bucket_lets_a_second_of_calls_through_and_then_its_rate() -> None:
    bucket = Bucket(10, 10, 0.0)
    assert bucket.take(10, 0.0, 5) == 0
    assert bucket.take(5, 0.0, 5) == 0.5
    assert bucket.take(10, 1.0, 5) == 0.5
    waited = 0.0
    for now in range(2, 102):
        waited = bucket.take(10, float(now), 5)
    assert waited == 0.5


def test_nothing_is_taken_by_who_does_not_wait() -> None:
    bucket = Bucket(1, 1, 0.0)
    assert bucket.take(1, 0.0, 5) == 0
    assert bucket.take(10, 0.0, 5) == 10
    assert bucket.take(1, 0.0, 5) == 1


def test_a_breaker_opens_tries_one_and_closes() -> None:
    breaker = Breaker()
    for _ in range(40):
        breaker.tell(failed=False, now=0)
    for _ in range(FAILURES - 1):
        breaker.tell(failed=True, now=0)
    assert breaker.wait(0) == 0
    breaker.tell(failed=True, now=1)
    assert breaker.wait(1) == OPEN_FOR
    assert breaker.wait(1 + OPEN_FOR) == 0
    breaker.begin(1 + OPEN_FOR)
    assert breaker.wait(2 + OPEN_FOR) > 0
    breaker.tell(failed=True, now=3 + OPEN_FOR)
    assert breaker.wait(4 + OPEN_FOR) == OPEN_FOR - 1
    breaker.begin(3 + 2 * OPEN_FOR)
    breaker.tell(failed=False, now=4 + 2 * OPEN_FOR)
    assert breaker.wait(4 + 2 * OPEN_FOR) == 0


def test_old_failures_are_forgotten() -> None:
    breaker = Breaker()
    for _ in range(100):
        for failed in (True, False, False, False, False):
            breaker.tell(failed=failed, now=0)
    assert breaker.wait(0) == 0


def test_who_tried_and_died_is_not_waited_for() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.tell(failed=True, now=0)
    breaker.begin(OPEN_FOR)
    assert breaker.wait(2 * OPEN_FOR) == 0
