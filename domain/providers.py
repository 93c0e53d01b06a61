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


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do, for whoever plans calls to it.

    width: calls at a time.
    idempotent: a repeated call with the same message id reaches nobody twice, so RETRY cannot double.
    keys_valid_for: how long it remembers ids; None where it does not.
    receipts: it tells later what became of a message.
    max_per_second: the pace that its accounts begin with when nobody gives another; None: as quick as it goes.
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


KINDS: Mapping[ProviderKind, Kind] = {
    ProviderKind.SMTP: Kind(
        (Channel.EMAIL,),
        Capabilities(),
        {
            "host": "Its name.",
            "port?": "25 without it, 465 with implicit TLS and 587 with a user.",
            "tls?": "`implicit`, or `starttls`: TLS when the server offers it, and always where there is a password.",
            "username?": "For signing in.",
        },
        {"password?": "For signing in."},
    ),
    ProviderKind.INBOX: Kind(
        tuple(Channel), Capabilities(width=25, idempotent=True, keys_valid_for=timedelta(days=365)), {}, {}
    ),
}
