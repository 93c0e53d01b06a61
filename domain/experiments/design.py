"""What a person says about an experiment: variants, how the audience is shared out, and how it is decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain import values
from domain.campaigns import ChannelContent
from domain.experiments.assignment import BUCKETS
from domain.experiments.verdict import Metric
from domain.refusals import Refused

MAX_VARIANTS = 8
MAX_WEIGHT = 10_000
MAX_HOLDOUT = 0.5
MAX_WAIT_HOURS = 30 * 24


class Mode(StrEnum):
    """SPLIT: everybody gets a variant at once. TEST_THEN_WINNER: some do, and the rest gets the one that won."""

    SPLIT = "SPLIT"
    TEST_THEN_WINNER = "TEST_THEN_WINNER"


class Fallback(StrEnum):
    """What the rest gets when no variant wins: the best one anyway, the control, or what a person decides."""

    BEST_ANYWAY = "BEST_ANYWAY"
    KEEP_CONTROL = "KEEP_CONTROL"
    MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the texts that are compared. weight: its share of all weights; contents: in the order of channels."""

    name: str
    weight: int
    is_control: bool
    contents: tuple[ChannelContent, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """Shares are 0 to 1; wait: how long after the test part was sent the figures are read."""

    mode: Mode = Mode.SPLIT
    holdout_share: float = 0.0
    test_share: float = 1.0
    wait: timedelta | None = None
    metric: Metric = Metric.CLICKS
    fallback: Fallback = Fallback.MANUAL

    @property
    def holdout_buckets(self) -> int:
        return round(self.holdout_share * BUCKETS)

    @property
    def test_buckets(self) -> int:
        return round(self.test_share * BUCKETS) if self.mode is Mode.TEST_THEN_WINNER else BUCKETS


def check_variants(variants: Sequence[Variant]) -> None:
    """Refuses INVALID and TOO_MANY: 1 to 8 of different names, some weight, one control at most, the same channels."""
    if not 1 <= len(variants) <= MAX_VARIANTS:
        raise Refused("TOO_MANY", f"A campaign has 1 to {MAX_VARIANTS} variants.", ("variants",))
    for number, variant in enumerate(variants):
        values.line(variant.name, "variants", str(number), "name")
        if not 0 <= variant.weight <= MAX_WEIGHT:
            raise _invalid(f"A weight is 0 to {MAX_WEIGHT:,}.", "variants", str(number), "weight")
        if [c.channel for c in variant.contents] != [c.channel for c in variants[0].contents]:
            message = "All variants speak on the same channels in the same order, or channels would be compared too."
            raise _invalid(message, "variants", str(number), "contents")
    if len({variant.name for variant in variants}) < len(variants):
        raise _invalid("Variants have names of their own.", "variants")
    if not any(variant.weight for variant in variants):
        raise _invalid("Some variant needs a weight above 0.", "variants")
    if sum(variant.is_control for variant in variants) > 1:
        raise _invalid("There is one control at most; the first variant is it when none is named.", "variants")


def check_design(design: Design, variants: Sequence[Variant]) -> None:
    """Refuses INVALID: shares out of range, or a test without a wait or without two variants that are sent."""
    if not 0 <= design.holdout_share <= MAX_HOLDOUT:
        raise _invalid(f"The hold-out's share is 0 to {MAX_HOLDOUT}.", "experiment", "holdoutShare")
    if not 1 <= round(design.test_share * BUCKETS) <= BUCKETS:
        raise _invalid("The test's share is 0.0001 to 1.", "experiment", "testShare")
    if design.wait is not None and not timedelta(hours=1) <= design.wait <= timedelta(hours=MAX_WAIT_HOURS):
        raise _invalid(f"Waiting takes 1 to {MAX_WAIT_HOURS} hours.", "experiment", "waitHours")
    if design.mode is Mode.TEST_THEN_WINNER:
        _check_test(design, variants)


def _check_test(design: Design, variants: Sequence[Variant]) -> None:
    if sum(variant.weight > 0 for variant in variants) < 2:
        raise _invalid("A test compares at least two variants with a weight.", "variants")
    if design.wait is None:
        raise _invalid("Say how many hours after the test part the winner is chosen.", "experiment", "waitHours")
    if design.test_buckets == BUCKETS:
        message = "A test that everybody is part of leaves nobody for the winner; give it a share below 1, or SPLIT."
        raise _invalid(message, "experiment", "testShare")


def _invalid(message: str, *path: str) -> Refused:
    return Refused("INVALID", message, path)
