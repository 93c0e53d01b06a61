"""Telling how far the loading of a demo is."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with the steps done, all steps, and what they are; each `what` counts from 0 anew."""


def quiet(_done: int, _total: int, _what: str) -> None:
    """Tells nobody."""
