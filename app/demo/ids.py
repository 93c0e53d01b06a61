"""Ids of what examples name: the same in every demo, because they follow from the name."""

from uuid import UUID, uuid5

_DEMO = UUID("5f0c6b0e-94f5-5b57-9b43-7d6a1a0de110")


def demo_id(*name: str) -> UUID:
    """For example `demo_id("segment", "vip")`."""
    return uuid5(_DEMO, "/".join(name))
