"""A server that says at once that nobody has an address: it gets nothing any more, as after a returned mail."""

import pytest

from domain.results.mails.statuses import is_nobody
from tests.campaigns import Shop
from tests.mail import MailServer
from tests.workers.sending import sent, status, work

NOBODY = {
    "gone": "550 5.1.1 <gone@x.example>: Recipient address rejected: User unknown in virtual mailbox table",
    "nowhere": "550 5.1.2 Bad destination system address",
    "null": "556 5.1.10 Recipient address has null MX",
}
OTHERWISE = {
    "policy": "554 5.7.1 <policy@x.example>: Relay access denied",
    "sender": "550 5.1.8 <hello@tea.example>: Sender address rejected: Domain not found",
    "said": "550 5.7.1 Blocked, because too many of yours were 5.1.1 before",
    "full": "552 5.2.2 Mailbox full",
    "unsaid": "550 no such user",
    "later": "450 4.1.1 <later@x.example>: unverified address",
}


async def test_who_does_not_exist_gets_nothing_any_more(shop: Shop, server: MailServer) -> None:
    server.refused = {f"{name}@x.example": said for name, said in (NOBODY | OTHERWISE).items()}
    names = [*NOBODY, *OTHERWISE, "fine"]
    campaign = await sent(shop, names)
    customers = [row[0] for row in await shop.rows("select id from customer where organization_id = :organization")]
    waiting = await shop.started([await shop.segment(customers)])
    await shop.rows(
        "update message set next_attempt_at = clock_timestamp() + interval '1 day' "
        "where organization_id = :organization and campaign_id = :id",
        id=waiting,
    )
    await work(shop)
    refused = dict.fromkeys([*NOBODY, *OTHERWISE], "FAILED")
    assert await shop.ledger(campaign) == refused | {"later": "QUEUED", "fine": "SENT"}
    suppressed = await shop.rows(
        "select channel, address_hash, reason from suppression where organization_id = :organization"
    )
    assert {tuple(row) for row in suppressed} == {
        ("EMAIL", shop.key.hash(f"{name}@x.example"), "HARD_BOUNCE") for name in NOBODY
    }
    # What waited for them elsewhere is not sent, and whom a later campaign finds is left out.
    assert await shop.ledger(waiting) == {name: "SUPPRESSED" if name in NOBODY else "QUEUED" for name in names}
    later = await shop.started([await shop.segment(customers)])
    assert {name for name, what in (await shop.ledger(later)).items() if what == "SUPPRESSED"} == set(NOBODY)
    began = list(server.began)
    assert {name: began.count(f"{name}@x.example") for name in NOBODY} == dict.fromkeys(NOBODY, 1)
    assert await status(shop, campaign) == "RUNNING"


@pytest.mark.parametrize("said", NOBODY.values())
def test_nobody_is_there(said: str) -> None:
    code, _, words = said.partition(" ")
    assert is_nobody(int(code), words)
    assert not is_nobody(int(code) - 100, words)


@pytest.mark.parametrize("said", [*OTHERWISE.values(), "550 5.1.7 x", "550 5.1.1.9 x", "550 15.1.1 x", "550 5.11.1 x"])
def test_somebody_may_be_there(said: str) -> None:
    code, _, words = said.partition(" ")
    assert not is_nobody(int(code), words)


@pytest.mark.parametrize("words", ["5.1.1", "5.1.1 <a@x.example>\n5.1.1 see https://x.example", " 5.1.6 moved"])
def test_however_a_server_words_it(words: str) -> None:
    assert is_nobody(550, words)
