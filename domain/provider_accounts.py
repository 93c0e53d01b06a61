"""Provider accounts: what may be said of one, checked by form alone; whether it works is found out by a test."""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from domain import values
from domain.consents import Channel
from domain.providers import KINDS, ProviderKind
from domain.refusals import Refused

MAX_ACCOUNTS = 50
MAX_SETTING = 1_000
MAX_SECRET = 20_000
_HOST = re.compile(r"(?!-)[A-Za-z0-9.-]{1,253}(?<!-)|[0-9A-Fa-f:]{2,45}")
_FORMS: Mapping[str, str] = {
    "host": _HOST.pattern,
    "port": r"[1-9][0-9]{0,4}",
    "security": r"tls|starttls",
    "region": r"[a-z]{2,12}(-[a-z]{1,12}){0,3}(-[0-9])?",
    "returnDomain": r"(?=.{3,189}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+",
    "domain": r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?",
    "accountSid": r"AC[0-9a-f]{32}",
    "messagingServiceSid": r"MG[0-9a-f]{32}",
    "accessKeyId": r"[A-Z0-9]{16,128}",
    "senderId": r"[A-Za-z0-9]{1,11}",
    "smsType": r"Transactional|Promotional",
    "topicArn": r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}",
    "teamId": r"[A-Z0-9]{10}",
    "keyId": r"[A-Z0-9]{10}",
    "topic": r"[A-Za-z0-9.-]{1,155}",
    "passTypeId": r"pass\.[A-Za-z0-9.-]{1,150}",
    "environment": r"sandbox|production",
    "subject": r"(mailto:|https://)[\x21-\x7e]{1,300}",
    "url": r"https?://[\x21-\x7e]{1,1990}",
}
_REGIONS = {ProviderKind.SENDGRID: ("global", "eu"), ProviderKind.MAILGUN: ("us", "eu")}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person says about an account; brand_id None: for each brand that has none of its own."""

    name: str
    kind: ProviderKind
    channel: Channel
    brand_id: UUID | None
    settings: Mapping[str, str]
    rate_per_second: int | None
    daily_quota: int | None

    def check(self) -> "Draft":
        """Refuses INVALID."""
        values.line(self.name, "name")
        kind = KINDS[self.kind]
        if self.channel not in kind.channels:
            able = ", ".join(kind.channels)
            raise Refused("INVALID", f"{self.kind} does not carry {self.channel}, but {able}.", ("channel",))
        _check_names(self.settings, kind.settings, "settings")
        for name, value in self.settings.items():
            self._check_setting(name, value)
        if self.kind is ProviderKind.TWILIO and not {"from", "messagingServiceSid"} & set(self.settings):
            raise Refused("INVALID", "Give from or messagingServiceSid.", ("settings",))
        if self.rate_per_second is not None and not 1 <= self.rate_per_second <= 100_000:
            raise Refused("INVALID", "A pace is 1 to 100,000 calls a second.", ("ratePerSecond",))
        if self.daily_quota is not None and not 1 <= self.daily_quota <= 2_000_000_000:
            raise Refused("INVALID", "A quota is 1 to 2,000,000,000 calls a day.", ("dailyQuota",))
        return self

    def _check_setting(self, name: str, value: str) -> None:
        form = _FORMS.get(name, rf"[^\x00-\x1f\x7f]{{1,{MAX_SETTING}}}")
        known = _REGIONS.get(self.kind) if name == "region" else None
        if not re.fullmatch(form, value) or (known and value not in known):
            raise Refused("INVALID", f"{name}: {_meaning(KINDS[self.kind].settings, name)}", ("settings",))


def check_secrets(kind: ProviderKind, secrets: Mapping[str, str]) -> None:
    """Refuses INVALID, without a word of what was given."""
    _check_names(secrets, KINDS[kind].secrets, "secrets")
    for name, value in secrets.items():
        if not 1 <= len(value) <= MAX_SECRET or not _SECRETS.get(name, _plain)(value):
            raise Refused("INVALID", f"{name}: {_meaning(KINDS[kind].secrets, name)}", ("secrets",))


def merged(stored: Mapping[str, str], given: Mapping[str, str] | None, remove: list[str]) -> dict[str, str]:
    """The secrets after a change: those given replace, those named to be removed go, all others stay."""
    kept = {name: value for name, value in stored.items() if name not in remove}
    return kept | dict(given or {})


def _check_names(given: Mapping[str, str], wanted: Mapping[str, str], field: str) -> None:
    every = {name.rstrip("?") for name in wanted}
    if foreign := sorted(set(given) - every):
        raise Refused("INVALID", f"Not known here: {', '.join(foreign)[:200]}. Known: {_listed(wanted)}.", (field,))
    if missing := sorted(name for name in wanted if not name.endswith("?") and name not in given):
        raise Refused("INVALID", f"Missing: {', '.join(missing)}.", (field,))


def _listed(wanted: Mapping[str, str]) -> str:
    return ", ".join(wanted) or "nothing"


def _meaning(wanted: Mapping[str, str], name: str) -> str:
    return wanted.get(name) or wanted[f"{name}?"]


def _plain(value: str) -> bool:
    """Something that can stand in a header."""
    return bool(re.fullmatch(r"[\x20-\x7e]+", value))


def _pem(value: str) -> bool:
    return value.strip().startswith("-----BEGIN ") and value.strip().endswith("-----")


def _service_account(value: str) -> bool:
    try:
        told = json.loads(value)
    except ValueError:
        return False
    wanted = ("client_email", "private_key")
    return isinstance(told, dict) and all(isinstance(told.get(name), str) for name in wanted)


def _signing(value: str) -> bool:
    try:
        return value.startswith("whsec_") and 24 <= len(b64decode(value[6:], validate=True)) <= 64
    except ValueError:
        return False


_SECRETS: Mapping[str, Callable[[str], bool]] = {
    "serviceAccount": _service_account,
    "privateKey": lambda value: _pem(value) or bool(re.fullmatch(r"[A-Za-z0-9_-]{43}=?", value)),
    "certificate": _pem,
    "intermediate": _pem,
    "signingSecret": _signing,
    "previousSigningSecret": _signing,
}
