"""Providers: which kinds there are, what each can do, and what it must be told to do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.consents import Channel


class ProviderKind(StrEnum):
    SMTP = "SMTP"
    SENDGRID = "SENDGRID"
    MAILGUN = "MAILGUN"
    TWILIO = "TWILIO"
    SNS = "SNS"
    FCM = "FCM"
    APNS = "APNS"
    WEB_PUSH = "WEB_PUSH"
    GOOGLE_WALLET = "GOOGLE_WALLET"
    APPLE_WALLET = "APPLE_WALLET"
    WEBHOOK = "WEBHOOK"
    INBOX = "INBOX"


class AccountState(StrEnum):
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"


class TestStatus(StrEnum):
    """What came of trying an account's credentials."""

    __test__ = False

    OK = "OK"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    RATE_LIMITED = "RATE_LIMITED"
    UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, for whoever plans calls to it.

    width: calls at a time.
    idempotent: a repeated call with the same message id reaches nobody twice, so RETRY cannot double.
    keys_valid_for: how long it remembers ids; None where it does not.
    receipts: it tells later what became of a message.
    max_per_second: the pace of accounts that are given none; None: as quick as it goes.
    """

    width: int = 5
    idempotent: bool = False
    keys_valid_for: timedelta | None = None
    receipts: bool = False
    max_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """channels: what it can carry; settings and secrets: what an account is told, by name, with what that means.

    A name that ends in `?` may be left out. Settings are shown to whoever may manage them, secrets to nobody.
    """

    channels: tuple[Channel, ...]
    capabilities: Capabilities
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


_FOREVER = timedelta(days=365)
_KEY = "A key as the file says it, PEM."
_INBOUND = "The password that mail is handed over with (HTTP Basic or Bearer)."
_ACCOUNT = "The JSON file of a service account."

KINDS: Mapping[ProviderKind, Kind] = {
    ProviderKind.SMTP: Kind(
        (Channel.EMAIL,),
        Capabilities(),
        {
            "host": "The server's name.",
            "port?": "465 with implicit TLS, 587 with a user and 25 otherwise, if left out.",
            "security?": "`tls` from the first byte, or `starttls`: as soon as offered, and always with a password.",
            "username?": "For signing in.",
            "returnDomain?": "A domain whose mail is handed to Wayfare: what cannot be delivered comes back there.",
        },
        {"password?": "For signing in.", "inboundSecret?": _INBOUND},
    ),
    ProviderKind.SENDGRID: Kind(
        (Channel.EMAIL,),
        Capabilities(width=10, receipts=True),
        {
            "region?": "`eu` for a subuser of the European region; else `global`.",
            "eventPublicKey?": "The key that verifies its event webhook, base64.",
            "inboundPublicKey?": "The key that verifies what Inbound Parse hands over, base64.",
        },
        {"apiKey": "An API key that may send mail.", "inboundSecret?": _INBOUND},
    ),
    ProviderKind.MAILGUN: Kind(
        (Channel.EMAIL,),
        Capabilities(width=10, receipts=True),
        {"domain": "The sending domain.", "region?": "`eu` or `us`; `us` if left out."},
        {"apiKey": "A sending key.", "webhookSigningKey?": "Verifies its webhooks."},
    ),
    ProviderKind.TWILIO: Kind(
        (Channel.SMS,),
        Capabilities(width=10, receipts=True, max_per_second=100),
        {
            "accountSid": "AC and 32 digits.",
            "from?": "The sending number or name.",
            "messagingServiceSid?": "MG and 32 digits, instead of a number.",
        },
        {"authToken": "The token of the account.", "previousAuthToken?": "Still verifies callbacks meanwhile."},
    ),
    ProviderKind.SNS: Kind(
        (Channel.SMS,),
        Capabilities(width=10, max_per_second=20),
        {
            "region": "Such as eu-central-1.",
            "accessKeyId": "The public part of the key.",
            "senderId?": "The name that telephones show where that is allowed.",
            "smsType?": "`Transactional` or `Promotional`.",
            "topicArn?": "The topic that tells what people answer; nothing is believed of another.",
        },
        {"secretAccessKey": "The secret part of the key."},
    ),
    ProviderKind.FCM: Kind(
        (Channel.PUSH,), Capabilities(width=25, max_per_second=1_000), {}, {"serviceAccount": _ACCOUNT}
    ),
    ProviderKind.APNS: Kind(
        (Channel.PUSH,),
        Capabilities(width=50),
        {
            "teamId": "Ten characters.",
            "keyId": "Ten characters.",
            "topic": "The app's bundle id.",
            "environment?": "`sandbox` or `production`; `production` if left out.",
        },
        {"privateKey": _KEY},
    ),
    ProviderKind.WEB_PUSH: Kind(
        (Channel.PUSH,),
        Capabilities(width=25),
        {"subject": "A mailto: or https: address that push services may write to."},
        {"privateKey": "The VAPID private key: PEM, or 32 bytes in base64url."},
    ),
    ProviderKind.GOOGLE_WALLET: Kind(
        (Channel.WALLET,),
        Capabilities(width=10, idempotent=True, keys_valid_for=_FOREVER, max_per_second=20),
        {},
        {"serviceAccount": _ACCOUNT},
    ),
    ProviderKind.APPLE_WALLET: Kind(
        (Channel.WALLET,),
        Capabilities(width=50, idempotent=True, keys_valid_for=_FOREVER),
        {
            "passTypeId": "Such as pass.example.loyalty.",
            "teamId": "Ten characters.",
            "organizationName": "Who issues the passes.",
        },
        {
            "certificate": "The pass type's certificate, PEM.",
            "privateKey": _KEY,
            "intermediate": "Apple's WWDR certificate, PEM.",
        },
    ),
    ProviderKind.WEBHOOK: Kind(
        (Channel.WEBHOOK,),
        # Its receiver is told each message's id, and asked to take it once.
        Capabilities(width=8, idempotent=True, keys_valid_for=_FOREVER),
        {"url": "Where messages are posted."},
        {
            "signingSecret": "whsec_ and 24 to 64 bytes in base64, as Standard Webhooks has it.",
            "previousSigningSecret?": "Still verifies callbacks meanwhile.",
        },
    ),
    ProviderKind.INBOX: Kind(tuple(Channel), Capabilities(width=25, idempotent=True, keys_valid_for=_FOREVER), {}, {}),
}
