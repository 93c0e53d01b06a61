"""The project runs from its checkout: its package names are common words, so each must resolve inside it."""

import importlib
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["app", "db", "domain", "resolvers", "schema", "workers"])
def test_package_resolves_inside_the_repository(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None
    assert Path(file).parent.parent == Path(__file__).parent.parent
