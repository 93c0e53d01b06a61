"""What can be recorded about a customer's consent."""

import pytest

from domain.consents import ConsentState, recordable
from domain.refusals import Refused


def test_never_is_the_absence_of_a_record() -> None:
    for state in set(ConsentState) - {ConsentState.NEVER}:
        assert recordable(state) is state
    with pytest.raises(Refused) as refused:
        recordable(ConsentState.NEVER, "state")
    assert (refused.value.code, refused.value.field) == ("INVALID", ("state",))
