"""Which bulk operations may still be cancelled."""

import pytest

from domain.bulk import require_cancellable
from domain.refusals import Refused


@pytest.mark.parametrize("state", ["COMPLETED", "FAILED", "CANCELLED"])
def test_what_has_ended_cannot_be_cancelled(state: str) -> None:
    with pytest.raises(Refused) as refused:
        require_cancellable(state)
    assert refused.value.code == "ALREADY_ENDED"


@pytest.mark.parametrize("state", ["QUEUED", "RUNNING"])
def test_what_has_not_ended_can_be_cancelled(state: str) -> None:
    require_cancellable(state)
