"""What else a condition depends on: other segments, stages, brands, campaigns."""

from uuid import UUID

from domain.conditions import tree
from domain.conditions.tree import Condition, leaves


def segments_in(condition: Condition) -> frozenset[UUID]:
    return frozenset(leaf.segment_id for leaf in leaves(condition) if isinstance(leaf, tree.InSegment))


def stages_in(condition: Condition) -> frozenset[str]:
    """Keys of lifecycle stages."""
    return frozenset(key for leaf in leaves(condition) if isinstance(leaf, tree.StageLeaf) for key in leaf.keys)


def brands_in(condition: Condition) -> frozenset[UUID]:
    found = (leaf.brand_id for leaf in leaves(condition) if isinstance(leaf, tree.ConsentLeaf))
    return frozenset(brand_id for brand_id in found if brand_id)


def campaigns_in(condition: Condition) -> frozenset[UUID]:
    found = (leaf.campaign_id for leaf in leaves(condition) if isinstance(leaf, tree.MessageLeaf))
    return frozenset(campaign_id for campaign_id in found if campaign_id)


def is_live(condition: Condition) -> bool:
    """Whether one customer's change can only move that customer; a percentile moves others too."""
    return not any(isinstance(leaf, tree.Percentile) for leaf in leaves(condition))
