"""Apple's pass web service: telephones register with a pass's token, hear what changed and fetch a signed pass."""

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.public.passes import pass_routes
from app.rate import Rates
from db import devices, providers
from db.database import Database
from domain.consents import Channel
from domain.devices import Address, DeviceKind
from domain.ids import new_id
from domain.passes import PassLink, pass_token
from domain.provider_accounts import Draft
from domain.providers import ProviderKind
from tests.api import TOOLS
from tests.app.public.client import visitor
from tests.campaigns import SECRET, Shop, open_shop
from tests.carriers.keys import authority

TYPE = "pass.com.example.tea"
PUSH = "ab" * 32


@dataclass
class Phone:
    """A telephone with one pass."""

    client: httpx2.AsyncClient
    shop: Shop
    pass_id: UUID
    serial: str = "serial-1"

    @property
    def token(self) -> str:
        return pass_token(SECRET, PassLink(self.shop.organization, self.pass_id))

    async def ask(self, method: str, path: str, token: str | None = None, **given: Any) -> httpx2.Response:
        headers = {"authorization": f"ApplePass {token or self.token}", **given.pop("headers", {})}
        return await self.client.request(method, f"/passes/{self.shop.organization}/v1{path}", headers=headers, **given)

    async def register(self, library: str = "phone", **given: Any) -> int:
        path = f"/devices/{library}/registrations/{TYPE}/{self.serial}"
        answer = await self.ask("POST", path, json={"pushToken": given.pop("push", PUSH)}, **given)
        return answer.status_code


@pytest.fixture
async def phone(database: Database, organization: UUID) -> AsyncIterator[Phone]:
    shop = await open_shop(database, organization)
    [ann] = await shop.customers(["ann"], brand=shop.brand)
    ours = authority(TYPE)
    settings = {"passTypeId": TYPE, "teamId": "TEAM123456", "organizationName": "Tea & Co"}
    secrets = {"certificate": ours.certificate, "privateKey": ours.key, "intermediate": ours.certificate}
    draft = Draft("Passes", ProviderKind.APPLE_WALLET, Channel.WALLET, None, settings, None, None)
    account_id = new_id()
    async with database.tenant(organization) as tx:
        await providers.add_account(tx, account_id, draft)
        await providers.seal_secrets(tx, TOOLS.sealing(), account_id, secrets)
        pass_id = await devices.register(tx, ann, shop.brand, Address(DeviceKind.APPLE_WALLET, "serial-1"))
        await devices.show(tx, {pass_id: {"points": "120", "message": "Hello ✓"}})
    tools = replace(TOOLS, public_url="https://wayfare.example")
    async with visitor(database, pass_routes(), tools=tools, rates=Rates(None, 0, 1)) as (client, _):
        yield Phone(client, shop, pass_id)


async def test_a_telephone_registers_hears_what_changed_and_lets_go(phone: Phone) -> None:
    assert [await phone.register(), await phone.register(), await phone.register("watch")] == [201, 200, 201]
    path = f"/devices/phone/registrations/{TYPE}"
    first = (await phone.ask("GET", path)).json()
    assert first["serialNumbers"] == ["serial-1"]
    since = f"{path}?passesUpdatedSince={first['lastUpdated']}"
    assert (await phone.ask("GET", since)).status_code == 204
    async with phone.shop.database.tenant(phone.shop.organization) as tx:
        await devices.show(tx, {phone.pass_id: {"points": "130"}})
    assert (await phone.ask("GET", since)).json()["serialNumbers"] == ["serial-1"]
    assert (await phone.ask("DELETE", f"{path}/serial-1")).status_code == 200
    assert (await phone.ask("GET", path)).status_code == 204
    assert [row["library"] for row in await phone.shop.rows("select library from pass_registration")] == ["watch"]


async def test_who_does_not_show_the_passs_token_changes_nothing(phone: Phone) -> None:
    other = pass_token(SECRET, PassLink(phone.shop.organization, new_id()))
    foreign = pass_token(SECRET, PassLink(new_id(), phone.pass_id))
    forged = pass_token(b"another secret of somebody's own", PassLink(phone.shop.organization, phone.pass_id))
    for token in (other, foreign, forged, "x", phone.token[:-1]):
        assert await phone.register(token=token) == 401
        assert (await phone.ask("GET", f"/passes/{TYPE}/serial-1", token)).status_code == 401
    phone.serial = "serial-2"
    assert await phone.register() == 401
    assert await phone.shop.rows("select from pass_registration") == []


@pytest.mark.parametrize("push", ["", "../../3/device/x", "zz" * 32, "ab" * 200])
async def test_what_is_no_push_token_is_not_kept(phone: Phone, push: str) -> None:
    assert await phone.register(push=push) == 400
    assert await phone.register("no library") == 400


async def test_of_one_pass_the_newest_telephones_are_kept(phone: Phone) -> None:
    for number in range(25):
        assert await phone.register(f"phone-{number}") == 201
    [row] = await phone.shop.rows("select count(*) as held from pass_registration")
    assert row["held"] == 20


async def test_a_pass_is_signed_and_shows_its_content(phone: Phone, tmp_path: Path) -> None:
    answer = await phone.ask("GET", f"/passes/{TYPE}/serial-1")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.apple.pkpass")
    known = {"if-modified-since": answer.headers["last-modified"]}
    assert (await phone.ask("GET", f"/passes/{TYPE}/serial-1", headers=known)).status_code == 304
    assert _files(await phone.client.get(f"/pass/{phone.token}"))["pass.json"] == _files(answer)["pass.json"]
    assert (await phone.client.get(f"/pass/{phone.token}x")).status_code == 404
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    told = json.loads((tmp_path / "pass.json").read_bytes())
    assert told["serialNumber"] == "serial-1"
    assert told["authenticationToken"] == phone.token
    assert told["webServiceURL"] == f"https://wayfare.example/passes/{phone.shop.organization}/"
    assert told["storeCard"]["primaryFields"] == [{"key": "f-points", "label": "points", "value": "120"}]
    assert told["storeCard"]["backFields"][0]["value"] == "Hello ✓"
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest == {
        name: hashlib.sha1((tmp_path / name).read_bytes()).hexdigest()
        for name in ("pass.json", "icon.png", "icon@2x.png")
    }
    assert _is_signed(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"{}")
    assert not _is_signed(tmp_path)


def _files(answer: httpx2.Response) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    return {name: archive.read(name) for name in archive.namelist()}


def _is_signed(folder: Path) -> bool:
    """By the command of OpenSSL, which had no part in signing it."""
    openssl = shutil.which("openssl")
    assert openssl
    (folder / "ca.pem").write_text(authority(TYPE).certificate)
    verify = [openssl, "smime", "-verify", "-inform", "DER", "-in", "signature", "-content", "manifest.json"]
    trusted = ["-CAfile", "ca.pem", "-purpose", "any", "-out", "/dev/null"]
    return subprocess.run([*verify, *trusted], cwd=folder, capture_output=True).returncode == 0


async def test_a_deleted_customers_pass_is_gone(phone: Phone) -> None:
    assert await phone.register() == 201
    await phone.shop.rows("delete from customer where organization_id = :organization")
    assert (await phone.client.get(f"/pass/{phone.token}")).status_code == 404
    assert await phone.register() == 401
    assert await phone.shop.rows("select from pass_registration") == []
