"""Provider accounts and devices through the API: what is refused, what is shown, and that no secret ever is."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.providers import known
from db.database import Database
from db.providers import Account
from db.vault import Vault
from resolvers.ids import global_id
from tests import api as apis
from tests.api import TOOLS, Api
from tests.campaigns import SECRET, Shop, open_shop
from tests.carriers.keys import ec_key
from tests.carriers.providers import API_KEY, AUTH, SIGNING
from tests.carriers.server import Response
from tests.workers.providers.carrying import outside, standing
from workers.providers.encryption import base64url, curve_point
from workers.providers.trying import tried

ACCOUNT = "id name kind channel settings secretNames ratePerSecond dailyQuota usedToday state testStatus version"
CREATE = f"""
mutation ($input: ProviderAccountCreateInput!) {{ providerAccountCreate(input: $input) {{
  providerAccount {{ {ACCOUNT} }} userErrors {{ code field message }} }} }}
"""
UPDATE = f"""
mutation ($input: ProviderAccountUpdateInput!) {{ providerAccountUpdate(input: $input) {{
  providerAccount {{ {ACCOUNT} keyId }} userErrors {{ code field message }} }} }}
"""
TEST = """
mutation ($id: ID!) { providerAccountTest(input: {providerAccountId: $id}) {
  providerAccount { testStatus testDetail testLatencyMs testedAt } userErrors { code field } } }
"""
DELETE = """
mutation ($id: ID!) { providerAccountDelete(input: {providerAccountId: $id}) { deletedId userErrors { code } } }
"""
READ = f"{{ providerAccounts {{ nodes {{ {ACCOUNT} capabilities {{ idempotent receipts }} }} }} }}"
REGISTER = """
mutation ($input: CustomerDeviceRegisterInput!) { customerDeviceRegister(input: $input) {
  customerDevice { id kind channel state name } userErrors { code field } } }
"""
GIVEN = {
    "name": "Mails",
    "kind": "SENDGRID",
    "channel": "EMAIL",
    "secrets": [{"name": "apiKey", "value": API_KEY}],
}


async def create(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api(CREATE, input={**GIVEN, **changes})
    assert "errors" not in answer, answer
    payload: dict[str, Any] = answer["data"]["providerAccountCreate"]
    return payload


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    payload = await create(api, **changes)
    assert payload["userErrors"] == []
    account: dict[str, Any] = payload["providerAccount"]
    return account


async def update(api: Api, account: str, **changes: Any) -> dict[str, Any]:
    answer = await api(UPDATE, input={"providerAccountId": account, **changes})
    assert "errors" not in answer, answer
    payload: dict[str, Any] = answer["data"]["providerAccountUpdate"]
    return payload


def codes(payload: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"])) for error in payload["userErrors"]]


async def stored(database: Database, organization: UUID) -> str:
    """Everything there is, as a dump would show it."""
    tables = (
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace "
        "and has_table_privilege(oid, 'select')"
    )
    async with database.tenant(organization) as tx:
        names = [row[0] for row in await tx.rows(tables)]
        texts = [await tx.value(f"select string_agg(t::text, ' ') from {name} t") for name in names]
    return " ".join(text for text in texts if text)


async def test_an_account_is_made_and_its_secret_is_nowhere(
    api: Api, database: Database, organization: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    account = await made(api, ratePerSecond=5, dailyQuota=100)
    assert account | {"id": ""} == {
        "id": "",
        "name": "Mails",
        "kind": "SENDGRID",
        "channel": "EMAIL",
        "settings": {},
        "secretNames": ["apiKey"],
        "ratePerSecond": 5,
        "dailyQuota": 100,
        "usedToday": 0,
        "state": "ACTIVE",
        "testStatus": None,
        "version": 1,
    }
    await update(api, account["id"], name="Other")
    refused = await create(api, name="Third", secrets=[{"name": "apiKey", "value": f"{API_KEY}\n"}])
    assert codes(refused) == [("INVALID", "input.secrets")]
    answers = str([account, refused, await api(READ), await api("{ auditLog { nodes { action details } } }")])
    assert API_KEY not in answers
    dump = await stored(database, organization)
    assert "SENDGRID" in dump
    assert API_KEY not in dump
    assert API_KEY.encode().hex() not in dump
    assert API_KEY not in caplog.text


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"secrets": []}, ("INVALID", "input.secrets")),
        ({"secrets": [{"name": "password", "value": "x"}]}, ("INVALID", "input.secrets")),
        ({"channel": "SMS"}, ("INVALID", "input.channel")),
        ({"settings": [{"name": "region", "value": "mars"}]}, ("INVALID", "input.settings")),
        ({"settings": [{"name": "url", "value": "https://x.example"}]}, ("INVALID", "input.settings")),
        ({"name": ""}, ("INVALID", "input.name")),
        ({"ratePerSecond": 0}, ("INVALID", "input.ratePerSecond")),
        ({"dailyQuota": -1}, ("INVALID", "input.dailyQuota")),
        ({"kind": "TWILIO", "channel": "SMS"}, ("INVALID", "input.settings")),
    ],
)
async def test_what_cannot_be_an_account_is_refused(
    api: Api, database: Database, organization: UUID, changes: dict[str, Any], refusal: tuple[str, str]
) -> None:
    assert codes(await create(api, **changes)) == [refusal]
    async with database.tenant(organization) as tx:
        assert await tx.value("select count(*) from provider_account") == 0


async def test_one_account_carries_a_channel(api: Api) -> None:
    first = await made(api)
    assert codes(await create(api, name="Second")) == [("ALREADY_ACTIVE", "input.channel")]
    assert codes(await create(api)) == [("INVALID", "input.name")]
    assert (await update(api, first["id"], state="DISABLED"))["providerAccount"]["state"] == "DISABLED"
    await made(api, name="Second")
    assert codes(await update(api, first["id"], state="ACTIVE")) == [("ALREADY_ACTIVE", "input.channel")]
    assert codes(await update(api, first["id"], expectedVersion=1)) == [("STALE", "input.expectedVersion")]


async def test_secrets_stay_unless_they_are_given_or_removed(api: Api, database: Database, organization: UUID) -> None:
    smtp = {
        "kind": "SMTP",
        "settings": [{"name": "host", "value": "mail.example"}, {"name": "username", "value": "u"}],
        "secrets": [{"name": "password", "value": "canary-password"}],
    }
    account = (await made(api, **smtp))["id"]
    assert (await update(api, account, name="Renamed", secrets=None))["providerAccount"]["secretNames"] == ["password"]
    elsewhere = [{"name": "host", "value": "evil.example"}, {"name": "username", "value": "u"}]
    assert codes(await update(api, account, settings=elsewhere)) == [("SECRETS_NEEDED", "input.secrets")]
    again = [{"name": "password", "value": "another"}]
    assert codes(await update(api, account, settings=elsewhere, secrets=again)) == []
    removed = await update(api, account, removeSecrets=["password"])
    assert removed["providerAccount"]["secretNames"] == []
    assert removed["providerAccount"]["keyId"] is None
    assert codes(await update(api, account, removeSecrets=["password"])) == [("INVALID", "input.removeSecrets")]


async def test_a_return_domain_is_a_domain(api: Api) -> None:
    def smtp(domain: str) -> dict[str, Any]:
        settings = [{"name": "host", "value": "mail.example"}, {"name": "returnDomain", "value": domain}]
        return {"kind": "SMTP", "settings": settings, "secrets": [{"name": "inboundSecret", "value": "let me in"}]}

    for wrong in ("", "localhost", "a@b.example", "Back.example", ".example", "x" * 64 + ".example", "a." * 95 + "a"):
        assert codes(await create(api, **smtp(wrong))) == [("INVALID", "input.settings")], wrong
    account = await made(api, **smtp("back.tea.example"))
    assert account["secretNames"] == ["inboundSecret"]


async def test_a_test_says_whether_the_credentials_are_good(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async with standing() as stand:

        async def trying(account: Account, secrets: Any) -> Any:
            return await tried(known(account, secrets), outside(stand.server.url))

        monkeypatch.setattr(apis, "TOOLS", replace(TOOLS, try_account=trying))
        account = (await made(api))["id"]

        async def test() -> tuple[str, str]:
            answer = await api(TEST, id=account)
            told = answer["data"]["providerAccountTest"]["providerAccount"]
            assert told["testLatencyMs"] >= 0
            assert told["testedAt"]
            return told["testStatus"], told["testDetail"]

        assert (await test())[0] == "OK"
        stand.server.instead = Response(401, f"no such key: {API_KEY}".encode())
        assert await test() == ("INVALID_CREDENTIALS", "401 no such key: ...")
        stand.server.instead = Response(429)
        assert (await test())[0] == "RATE_LIMITED"
        stand.server.instead = Response(500)
        assert (await test())[0] == "UNREACHABLE"
        assert (await update(api, account, name="Other"))["providerAccount"]["testStatus"] is None
    assert (await api(DELETE, id=account))["data"]["providerAccountDelete"]["deletedId"] == account
    answer = await api(TEST, id=account)
    assert answer["data"]["providerAccountTest"]["userErrors"] == [
        {"code": "NOT_FOUND", "field": ["input", "providerAccountId"]}
    ]


async def test_every_kind_says_what_it_wants(api: Api) -> None:
    answer = await api("{ providerKinds { kind channels settings { name required } secrets { name required } } }")
    kinds = {one["kind"]: one for one in answer["data"]["providerKinds"]}
    assert len(kinds) == 12
    wanted = [{"name": "apiKey", "required": True}, {"name": "inboundSecret", "required": False}]
    assert kinds["SENDGRID"]["secrets"] == wanted


@pytest.fixture
async def shop(database: Database, organization: UUID) -> Shop:
    return await open_shop(database, organization)


async def test_a_device_is_whoever_registered_it_last(api: Api, shop: Shop) -> None:
    ann, bob = await shop.customers(["ann", "bob"], brand=shop.brand)
    keys = {"p256dh": base64url(curve_point(ec_key("browser").public_key())), "auth": base64url(AUTH)}
    given = {
        "brandId": global_id("Brand", shop.brand),
        "kind": "WEB_PUSH",
        "token": "https://push.example/canary-endpoint",
        "keys": keys,
        "name": "Laptop",
    }

    async def register(customer: UUID, **changes: Any) -> dict[str, Any]:
        answer = await api(REGISTER, input={**given, "customerId": global_id("Customer", customer), **changes})
        payload: dict[str, Any] = answer["data"]["customerDeviceRegister"]
        return payload

    first = (await register(ann))["customerDevice"]
    assert first | {"id": ""} == {
        "id": "",
        "kind": "WEB_PUSH",
        "channel": "PUSH",
        "state": "ACTIVE",
        "name": "Laptop",
    }
    assert (await register(bob))["customerDevice"]["id"] == first["id"]
    read = await api(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { devices { id kind brand { name } } } } }",
        ids=[global_id("Customer", ann), global_id("Customer", bob)],
    )
    assert [len(one["devices"]) for one in read["data"]["nodes"]] == [0, 1]
    assert "canary-endpoint" not in str(read)
    assert codes(await register(ann, keys=None)) == [("INVALID", "input.keys")]
    assert codes(await register(ann, kind="FCM")) == [("INVALID", "input.keys")]
    assert codes(await register(ann, kind="APNS", keys=None)) == [("INVALID", "input.token")]
    answer = await api(
        "mutation ($id: ID!) { customerDeviceUnregister(input: {deviceId: $id}) { deletedId } }", id=first["id"]
    )
    assert answer["data"]["customerDeviceUnregister"]["deletedId"] == first["id"]


def test_the_canaries_of_these_tests_are_canaries() -> None:
    assert Vault([SECRET]).seal(UUID(int=1), UUID(int=2), SIGNING).find(SIGNING.encode()) == -1
