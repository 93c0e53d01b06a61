"""Accounts of every kind against stand-ins, for the tests of providers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from db.devices import Reached
from db.vault import Vault
from domain.consents import Channel
from domain.ids import new_id
from domain.messages import Outcome
from domain.providers import ProviderKind
from domain.templates import Content
from tests.campaigns import SECRET
from tests.carriers.keys import authority, ec_key, pem, service_account
from tests.carriers.providers import API_KEY, AUTH, SECRET_ACCESS_KEY, SID, SIGNING, TOKEN, Providers
from tests.carriers.server import Server, serving
from workers.parcels import Parcel
from workers.providers import account, device_lane
from workers.providers.answers import certain
from workers.providers.calls import Caller
from workers.providers.carrier import Delivered, Known
from workers.providers.encryption import base64url, curve_point
from workers.providers.google_wallet import GoogleWallet
from workers.providers.outside import Outside

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LOOPBACK = ip_network("127.0.0.0/8")
# Where each provider really is.
PLACES = (
    *("https://api.sendgrid.com", "https://api.mailgun.net", "https://api.twilio.com"),
    *("https://sns.eu-central-1.amazonaws.com", "https://oauth2.googleapis.com", "https://fcm.googleapis.com"),
    "https://walletobjects.googleapis.com",
)
TOLD: Mapping[ProviderKind, tuple[dict[str, str], dict[str, str]]] = {
    ProviderKind.SENDGRID: ({}, {"apiKey": API_KEY}),
    ProviderKind.MAILGUN: ({"domain": "tea.example"}, {"apiKey": API_KEY}),
    ProviderKind.TWILIO: ({"accountSid": SID, "from": "+15005550006"}, {"authToken": TOKEN}),
    ProviderKind.SNS: (
        {"region": "eu-central-1", "accessKeyId": "AKIDEXAMPLEAKIDEX", "senderId": "Tea", "smsType": "Transactional"},
        {"secretAccessKey": SECRET_ACCESS_KEY},
    ),
    ProviderKind.FCM: ({}, {"serviceAccount": service_account()}),
    ProviderKind.GOOGLE_WALLET: ({}, {"serviceAccount": service_account()}),
    ProviderKind.WEB_PUSH: ({"subject": "mailto:tea@tea.example"}, {"privateKey": pem(ec_key("vapid"))}),
    ProviderKind.WEBHOOK: ({"url": "{url}/hook"}, {"signingSecret": SIGNING}),
}
ON_DEVICES = {ProviderKind.FCM, ProviderKind.GOOGLE_WALLET, ProviderKind.WEB_PUSH}
APNS = (
    {"teamId": "TEAM123456", "keyId": "KEY1234567", "topic": "com.example.tea"},
    {"privateKey": pem(ec_key("apns"))},
)
_TOKENS = {"FCM": "fcm-token", "GOOGLE_WALLET": "3388.ann", "WEB_PUSH": "{url}/push/1", "APNS": "ab" * 32}


def parcel(channel: Channel = Channel.EMAIL, **said: Any) -> Parcel:
    given = {
        "id": new_id(),
        "sender": "hello@tea.example",
        "sender_name": "Tea & Co",
        "address": {Channel.EMAIL: "ann@x.example", Channel.SMS: "+4915100000001"}.get(channel, str(new_id())),
        "recipient_name": "Ann Lee",
        "content": Content("Grüße ✓", html="<p>Hi ✓</p>", text="Hi ✓"),
        "at": AT,
        "channel": channel,
        **said,
    }
    return Parcel(**given)


def device(kind: ProviderKind, url: str = "", token: str | None = None) -> Reached:
    keys = {"p256dh": base64url(curve_point(ec_key("browser").public_key())), "auth": base64url(AUTH)}
    named = (token or _TOKENS[kind.value]).replace("{url}", url)
    given = keys if kind is ProviderKind.WEB_PUSH else {}
    return Reached(new_id(), new_id(), new_id(), kind.value, named, given, "ACTIVE", [], {})


def known(kind: ProviderKind, url: str = "", **secrets: str) -> Known:
    """An account of its own, so that nothing that was kept for another is used."""
    settings, told = APNS if kind is ProviderKind.APNS else TOLD[kind]
    placed = {name: value.replace("{url}", url) for name, value in settings.items()}
    return Known(new_id(), 1, kind, f"Our {kind.value}", placed, told | secrets)


def outside(url: str, **given: Any) -> Outside:
    return replace(Outside(Vault([SECRET]), [LOOPBACK], places=dict.fromkeys(PLACES, url)), **given)


@dataclass
class Standing:
    """The stand-in of every provider but Apple."""

    server: Server
    providers: Providers

    def account(self, kind: ProviderKind, **secrets: str) -> Known:
        return known(kind, self.server.url, **secrets)

    async def carry(self, account_: Known, message: Parcel, to: Reached | None = None, **given: Any) -> Delivered:
        """What came of one message, by the carrier alone."""
        async with Caller(outside(self.server.url, **given)) as caller:
            return await carried(account_, caller, message, to or self._device(account_.kind))

    def _device(self, kind: ProviderKind) -> Reached | None:
        return device(kind, self.server.url) if kind in ON_DEVICES else None


async def carried(account_: Known, caller: Caller, message: Parcel, to: Reached | None) -> Delivered:
    if to is None:
        return Delivered(await certain(account.CARRIERS[account_.kind](account_, caller).carry(message)))
    every = {**device_lane.CARRIERS, ProviderKind.GOOGLE_WALLET: GoogleWallet}
    gone = False

    async def call() -> Outcome:
        nonlocal gone
        delivered: Delivered = await every[account_.kind](account_, caller).carry(message, to)
        gone = delivered.gone
        return delivered.outcome

    return Delivered(await certain(call()), gone)


@asynccontextmanager
async def standing(*, tls: bool = False) -> AsyncIterator[Standing]:
    providers = Providers()
    async with serving(providers.answer, authority().serving() if tls else None) as server:
        yield Standing(server, providers)
