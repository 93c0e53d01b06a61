"""The public routes in the real application: no header is needed, and everything reaches the ledger."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from app.cli.mail import TRY_AGAIN
from app.cli.main import app
from app.servers import Addresses
from app.settings import Settings
from db.database import Database
from db.results.links import store_links
from db.vault import PROVIDERS, Vault
from domain.results.mails.addresses import Subject, local_part
from domain.results.tracking import Trace, click_path, pixel_path
from tests.app.public.client import BROWSER
from tests.app.public.signing import BASE, Twilio, account
from tests.app.serving import served
from tests.campaigns import SECRET, open_shop
from tests.domain.results.test_mails import raw
from tests.results import message_row, sent_messages
from tests.waiting import until


@pytest.fixture(scope="module")
def host(addresses: Addresses) -> Iterator[str]:
    secret = SecretStr(SECRET.decode())
    settings = Settings(database_url=addresses.database_url, redis_url=None, secret=secret, public_url=BASE)
    with served(settings) as (host, _):
        yield host


async def test_a_pixel_a_link_and_a_callback(host: str, database: Database, organization: UUID) -> None:
    shop = await open_shop(database, organization)
    _, (mail, text) = await sent_messages(shop, await shop.customers(["ann", "bob"]))
    provider = Twilio()
    path = await account(shop, "TWILIO", provider.settings, provider.secrets, Vault([SECRET]).of(PROVIDERS))
    async with database.tenant(organization) as tx:
        links = await store_links(tx, shop.template, 1, ["https://shop.example/"])
    link = click_path(SECRET, Trace(organization, mail, links["https://shop.example/"]))

    async def status(message: UUID) -> str:
        return str((await message_row(shop, message))["status"])

    async with httpx2.AsyncClient(base_url=f"http://{host}", headers={"user-agent": BROWSER}) as client:
        assert (await client.get(pixel_path(SECRET, Trace(organization, mail)))).status_code == 200

        async def opened() -> bool:
            return await status(mail) == "OPENED"

        await until(5, opened)
        answer = await client.get(link)
        assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/")

        async def clicked() -> bool:
            return await status(mail) == "CLICKED"

        await until(5, clicked)
        callback = provider.post(f"{BASE}{path}?message={text}", {"MessageSid": "SM1", "MessageStatus": "delivered"})
        answer = await client.post(f"{path}?message={text}", content=callback.body, headers=callback.headers)
        assert (answer.status_code, await status(text)) == (200, "DELIVERED")
        answer = await client.post(path, content=callback.body, headers=callback.headers)
        assert answer.status_code == 401
        back = f"{local_part(SECRET, Subject(organization, mail))}@back.example"
        answer = await client.post("/mails", content=raw("postfix-unknown-user", back, mail))
        assert (answer.status_code, answer.text, await status(mail)) == (200, "Taken: bounced.\n", "BOUNCED")


async def test_a_mail_server_pipes_mail_to_the_command(
    host: str, database: Database, organization: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await open_shop(database, organization)
    _, (message,) = await sent_messages(shop, await shop.customers(["ann"]))
    back = f"{local_part(SECRET, Subject(organization, message))}@back.example"

    async def pipe(content: bytes, *to: str) -> int:
        arguments = ["mail", *(word for one in to for word in ("--to", one))]
        return (await asyncio.to_thread(lambda: CliRunner().invoke(app, arguments, input=content))).exit_code

    monkeypatch.setenv("WAYFARE_URL", f"http://{host}/graphql")
    assert await pipe(b"Subject: x\n\n", "hello@tea.example") == 0
    # Of a mail that is larger than what is read, all that it says stands at its beginning.
    assert await pipe(raw("complaint", "x@x.example", message) + b"x" * 3_000_000, back) == 0
    assert (await message_row(shop, message))["complained_at"] is not None
    monkeypatch.setenv("WAYFARE_URL", "http://127.0.0.1:9")
    assert await pipe(raw("answer", back, message)) == TRY_AGAIN
