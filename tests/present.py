"""The present of a module of tests, which is another when the suite runs past midnight."""

from datetime import UTC, datetime
from typing import Any

import pytest


def renewed(namespace: dict[str, Any]) -> Any:
    """A fixture that makes the module's NOW that of each of its tests: `present = renewed(globals())`."""

    @pytest.fixture(autouse=True)
    def present(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(namespace, "NOW", datetime.now(UTC))

    return present
