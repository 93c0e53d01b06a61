"""Says in a sentence why a customer is or is not in a segment."""

from collections.abc import Mapping
from uuid import UUID

from domain.conditions import sentence
from domain.conditions.explanation import Explained, missing
from domain.segments import OverrideMode, SegmentState


def because(
    *,
    state: str,
    is_member: bool,
    override: str | None,
    tree: Explained | None,
    manual: bool,
    names: Mapping[UUID, str],
) -> str:
    """tree: None for a manual segment, and for somebody out of its scope, who is no customer of its brand."""
    subject = "Is a member" if is_member else "Is not a member"
    if manual:
        return f"{subject}: {'somebody put them in' if is_member else 'nobody put them in'}."
    if override is not None:
        did = "included" if override == OverrideMode.INCLUDE else "excluded"
        return f"{subject}: somebody {did} them, whatever the condition says."
    if tree is None:
        return f"{subject}: is not a customer of the segment's brand."
    lacking = missing(tree)
    if is_member is (lacking is None):
        told = sentence(tree.condition, names) if lacking is None else f"missing: {sentence(lacking, names)}"
        return f"{subject}: {told}."
    holds = "holds" if lacking is None else "does not hold"
    return f"{subject}, although the condition {holds}: {_WAITING[SegmentState(state)]}"


_WAITING = {
    SegmentState.ACTIVE: "the next evaluation will put it right.",
    SegmentState.DRAFT: "the segment is a draft and not computed.",
    SegmentState.INACTIVE: "the segment is inactive and keeps its members.",
}
