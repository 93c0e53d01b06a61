"""Segments of text messages, against the counts that carriers publish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.keywords import Keyword, keyword
from domain.sms import Encoding, measure


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM_7", 0, 0),
        ("a" * 160, "GSM_7", 160, 1),
        ("a" * 161, "GSM_7", 161, 2),
        ("a" * 306, "GSM_7", 306, 2),
        ("a" * 307, "GSM_7", 307, 3),
        ("€" * 80, "GSM_7", 160, 1),
        # Two septets never stand in two segments: 152 and the first of a euro would.
        ("a" * 152 + "€" + "a" * 152, "GSM_7", 306, 3),
        ("ñäöüß@£", "GSM_7", 7, 1),
        ("ç", "UCS_2", 1, 1),
        ("я" * 70, "UCS_2", 70, 1),
        ("я" * 71, "UCS_2", 71, 2),
        ("😀" * 35, "UCS_2", 70, 1),
        # 66 units and half a character.
        ("a" + "😀" * 66, "UCS_2", 133, 2),
        ("😀" * 67, "UCS_2", 134, 3),
    ],
)
def test_segments(text: str, encoding: str, units: int, segments: int) -> None:
    found = measure(text)
    assert (found.encoding, found.units, found.segments) == (Encoding(encoding), units, segments)


@given(st.text(max_size=500))
def test_a_longer_text_never_takes_fewer_segments(text: str) -> None:
    found, more = measure(text), measure(text + "x")
    assert more.segments >= found.segments
    assert more.units == found.units + 1
    assert bool(found.odd) == (found.encoding is Encoding.UCS_2)


def test_answers_are_keywords_only_as_a_whole() -> None:
    for text in ("STOP", " stop. ", "Stop!", "opt-out", "Arrêt", "stop all", "(STOPP)"):
        assert keyword(text) is Keyword.STOP, text
    for text in ("START", "yes", "Unstop"):
        assert keyword(text) is Keyword.START, text
    for text in ("", "please stop by", "I cannot stop laughing", "STOP" * 100, "yes please", "0"):
        assert keyword(text) is None, text
