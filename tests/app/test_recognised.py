"""Callers who asked a moment ago are known for a second, and not one second more."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.recognised import LIFE, MOST, Recognised
from domain.access import Caller

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BOB = (Caller(UUID(int=number), f"key:{number}", frozenset()) for number in (1, 2))


def test_known_for_a_second_by_what_they_presented_and_where() -> None:
    recognised = Recognised()
    recognised.note("Bearer a", None, ANN, NOW)
    recognised.note("Bearer a", "acme", BOB, NOW)
    assert recognised.find("Bearer a", None, NOW) is ANN
    assert recognised.find("Bearer a", "acme", NOW) is BOB
    assert recognised.find("Bearer b", None, NOW) is None
    assert recognised.find("Bearer a", None, NOW + LIFE) is None


def test_one_request_looks_them_up_again_before_they_are_forgotten() -> None:
    recognised = Recognised()
    recognised.note("Bearer a", None, ANN, NOW)
    late = NOW + LIFE - timedelta(microseconds=1)
    assert recognised.find("Bearer a", None, NOW + LIFE / 2) is ANN
    assert [recognised.find("Bearer a", None, late) for _ in range(3)] == [None, ANN, ANN]
    assert recognised.find("Bearer a", None, NOW + LIFE) is None
    recognised.note("Bearer a", None, BOB, late)
    assert recognised.find("Bearer a", None, NOW + LIFE) is BOB


def test_a_write_forgets_everybody() -> None:
    recognised = Recognised()
    recognised.note("Bearer a", None, ANN, NOW)
    recognised.forget()
    assert recognised.find("Bearer a", None, NOW) is None


def test_neither_secrets_nor_more_than_so_many_are_kept() -> None:
    recognised = Recognised()
    for number in range(MOST + 1):
        recognised.note(f"Bearer secret-{number}", None, ANN, NOW)
    assert len(recognised._callers) == 1
    assert "secret" not in repr(recognised._callers)
