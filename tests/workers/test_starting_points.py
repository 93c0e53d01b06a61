"""Starting points: each can be rendered, marketing mail says how to end, and short texts fit one segment."""

import pytest

from domain.consents import Channel
from domain.sms import measure
from domain.starting_points import CONFIRMATIONS, STARTING_POINTS, StartingPoint
from domain.templates import NAMES, spelled
from workers.templates import check, names_in, render

EVERY = [*STARTING_POINTS.values(), *CONFIRMATIONS.values()]
KNOWN = {"name": "Ann Lee", "first_name": "Ann", "order_count": 3}
VALUES = {group: spelled(group, KNOWN | {"confirm": "https://x.example/c"}) for group in NAMES}


@pytest.mark.parametrize("point", EVERY, ids=[point.key for point in EVERY])
def test_each_starting_point_can_be_rendered(point: StartingPoint) -> None:
    check(point.content, point.channel)
    done = render(point.content, VALUES)
    if point.channel is Channel.EMAIL:
        assert "<style>@media" in (done.html or "")
        assert done.text
        assert "Ann" in done.text + done.subject
        assert ("links.unsubscribe" in names_in(point.content)) == (point.kind != "confirm")
    if point.channel is Channel.SMS and point.kind != "confirm":
        assert measure(done.text or "").segments == 1
    if point.kind == "confirm":
        assert "https://x.example/c" in (done.text or "")


def test_the_kinds_of_the_requirements_are_there() -> None:
    kinds = {point.kind for point in STARTING_POINTS.values() if point.channel is Channel.EMAIL}
    assert kinds == {"welcome", "birthday", "progress", "reward", "re-engagement", "promotion"}
    kinds = {point.kind for point in STARTING_POINTS.values() if point.channel is Channel.SMS}
    assert kinds == {"reward", "expiry", "birthday", "loyalty"}
