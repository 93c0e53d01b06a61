"""The installation's secret: given, or made once and kept."""

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.secret import development_secret, known_secret
from app.settings import Settings

GIVEN = "x" * 32


def test_it_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, secret=None)
    assert known_secret(settings) is None
    made = development_secret(settings)
    assert len(made) >= 32
    assert development_secret(settings) == known_secret(settings) == made
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_given_one_comes_first_and_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYFARE_SECRET", GIVEN)
    settings = Settings(state=tmp_path)
    assert development_secret(settings) == GIVEN.encode()
    assert not (tmp_path / "secret").exists()
    assert GIVEN not in repr(settings)


def test_a_short_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYFARE_SECRET", "x" * 31)
    with pytest.raises(ValidationError):
        Settings()
