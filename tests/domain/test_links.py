"""Links: what was written is read again, and no changed bit, other purpose or other secret is."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.links import ContactLink, Link, MessageLink, Place, Purpose, read, token
from domain.signed import sign

OLD, NEW = b"o" * 32, b"n" * 32
links: st.SearchStrategy[Link] = st.one_of(
    st.builds(MessageLink, st.uuids(), st.uuids()), st.builds(ContactLink, st.uuids(), st.uuids(), st.uuids())
)
purposes = st.sampled_from(Purpose)


@given(links, purposes, st.sampled_from([OLD, NEW]))
def test_a_link_is_read_as_it_was_written(link: Link, purpose: Purpose, secret: bytes) -> None:
    assert read([NEW, OLD], purpose, token(secret, purpose, link)) == link


@given(links, purposes, st.data())
def test_no_link_with_a_changed_bit_is_read(link: Link, purpose: Purpose, data: st.DataObject) -> None:
    parts = [bytearray(_bytes(part)) for part in token(NEW, purpose, link).split(".")]
    part = data.draw(st.sampled_from(parts))
    part[data.draw(st.integers(0, len(part) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert read([NEW, OLD], purpose, ".".join(map(_text, parts))) is None


@given(links, purposes, purposes)
def test_a_link_is_worth_nothing_for_another_purpose_or_under_another_secret(
    link: Link, purpose: Purpose, other: Purpose
) -> None:
    assert (read([NEW], other, token(NEW, purpose, link)) is None) == (purpose != other)
    assert read([OLD], purpose, token(NEW, purpose, link)) is None


@given(st.binary(max_size=80))
def test_a_payload_of_another_shape_is_not_a_link(payload: bytes) -> None:
    found = read([NEW], Purpose.CONFIRM, sign(NEW, Purpose.CONFIRM, payload))
    assert found is None or found.payload == payload


def test_urls_are_short_and_of_the_place() -> None:
    link = MessageLink(UUID(int=1), UUID(int=2))
    url = Place("https://mail.example", [NEW, OLD]).url(Purpose.UNSUBSCRIBE, link)
    assert url.startswith("https://mail.example/unsubscribe/")
    assert len(url) < 110
    assert read([NEW], Purpose.UNSUBSCRIBE, url.rpartition("/")[2]) == link


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(value: bytes | bytearray) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
