"""The kinds of customers in the demo: how many there are of each, and how they come and go."""

from dataclasses import dataclass
from enum import Enum
from random import Random


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of contacts: the last one so many days ago (from, to), over so many days, with such pauses between."""

    last: tuple[int, int]
    span: tuple[int, int] = (0, 0)
    pause: tuple[int, int] = (1, 1)

    def contacts(self, chance: Random) -> list[int]:
        """Days ago, the oldest first; at least one."""
        last = chance.randint(*self.last)
        first = last + chance.randint(*self.span)
        found = [last]
        while (days := found[-1] + chance.randint(*self.pause)) <= first:
            found.append(days)
        return found[::-1]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """share: of a hundred customers; baskets: how many articles an order has; buys: not only asks."""

    share: int
    stretches: tuple[Stretch, ...]
    baskets: tuple[int, int] = (1, 2)
    buys: bool = True
    level: str | None = None


class Kind(Enum):
    """Shares add up to 100."""

    SUBSCRIBER = Rhythm(4, (), buys=False)
    PROSPECT = Rhythm(8, (Stretch((1, 150)),), buys=False)
    LEAD = Rhythm(8, (Stretch((1, 150), (0, 60), (10, 40)),), buys=False)
    NEWCOMER = Rhythm(9, (Stretch((1, 40), (0, 30), (10, 30)),))
    ONE_TIME = Rhythm(18, (Stretch((5, 700)),))
    REGULAR = Rhythm(20, (Stretch((1, 40), (120, 680), (25, 70)),), level="Silver")
    VIP = Rhythm(7, (Stretch((1, 20), (280, 700), (9, 25)),), (1, 4), level="Gold")
    DRIFTING = Rhythm(10, (Stretch((95, 170), (200, 550), (20, 60)),), level="Silver")
    CHURNED = Rhythm(10, (Stretch((190, 380), (150, 340), (20, 80)),))
    WON_BACK = Rhythm(
        6, (Stretch((300, 400), (150, 320), (25, 60)), Stretch((1, 14), (10, 60), (8, 30))), (1, 3), level="Bronze"
    )


_KINDS = list(Kind)
_SHARES = [kind.value.share for kind in Kind]


def any_kind(chance: Random) -> Kind:
    return chance.choices(_KINDS, _SHARES)[0]
