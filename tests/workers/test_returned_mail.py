"""Out by SMTP and back by mail: who bounced or complained gets nothing more, who was away or answered does."""

from email import policy
from email.parser import BytesParser
from uuid import UUID

from app.public.accounts import Accounts
from app.public.callbacks import Callbacks
from app.public.certificates import Amazon
from app.public.mails import mail_routes
from tests.app.public.client import visitor
from tests.campaigns import SECRET, Shop
from tests.domain.results.test_mails import raw
from tests.mail import MailServer, Received
from tests.workers.sending import begin, work
from workers.delivery import deliver_by_smtp

FATES = {
    "ann": "postfix-unknown-user",
    "bob": "complaint",
    "cid": "exchange-full",
    "dan": "out-of-office",
    "eve": "answer",
    "fay": None,
}


def report(name: str, mail: Received) -> bytes:
    """What a server writes that knows nothing but the mail as it got it."""
    sent = BytesParser(policy=policy.default).parsebytes(mail.content)
    return raw(name, mail.sender, UUID(sent["Message-ID"].strip("<>").partition("@")[0]))


async def states(shop: Shop, campaign: UUID) -> dict[str, tuple[str, str | None]]:
    rows = await shop.rows(
        "select c.name, m.status, m.skip_reason from message m join customer c on c.id = m.customer_id "
        "and c.organization_id = m.organization_id where m.organization_id = :organization and m.campaign_id = :id",
        id=campaign,
    )
    return {row["name"]: (row["status"], row["skip_reason"]) for row in rows}


async def test_what_comes_back_decides_who_is_written_to_again(shop: Shop, server: MailServer) -> None:
    deliver_by_smtp(server.url, SECRET, return_domain="back.tea.example")
    segment = await shop.segment(await shop.customers(list(FATES)))
    first = await shop.campaign([segment])
    await begin(shop, first)
    await work(shop)
    mails = {mail.recipient.partition("@")[0]: mail for mail in server.mails}
    assert set(mails) == set(FATES)
    here = Callbacks(shop.database, Accounts(shop.database, None), Amazon(), SECRET)
    async with visitor(shop.database, mail_routes(), callbacks=here) as (client, _):
        for name, fate in FATES.items():
            if fate is not None:
                answer = await client.post("/mails", content=report(fate, mails[name]))
                assert answer.status_code == 200, answer.text
    assert await states(shop, first) == {
        "ann": ("BOUNCED", None),
        "bob": ("DELIVERED", None),
        "cid": ("BOUNCED", None),
        "dan": ("SENT", None),
        "eve": ("DELIVERED", None),
        "fay": ("SENT", None),
    }
    server.mails.clear()
    second = await shop.campaign([segment])
    await begin(shop, second)
    await work(shop)
    assert {mail.recipient.partition("@")[0] for mail in server.mails} == {"cid", "dan", "eve", "fay"}
    again = await states(shop, second)
    assert {again["ann"], again["bob"]} == {("SKIPPED", "SUPPRESSED")}
