"""Push messages by Apple's APNs: HTTP/2 and a provider token of ES256."""

import json
import time
from typing import Any
from uuid import UUID

import jwt

from db.devices import Reached
from domain.messages import Answer, Outcome
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Delivered, Known

PLACES = {"production": "https://api.push.apple.com", "sandbox": "https://api.sandbox.push.apple.com"}
# Apple wants a token no older than an hour, and no new one within 20 minutes.
_LIFE = 45 * 60.0
# Reasons that say that the token is nobody's, or another app's.
_GONE = {"BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken"}
_SENDER = {"BadTopic", "MissingTopic", "TopicDisallowed", "BadCertificate", "BadCertificateEnvironment"}
_NOBODY = "0" * 64

_tokens: dict[tuple[UUID, int], tuple[str, float]] = {}


class Apns:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._account, self._caller = account, caller
        self._place = PLACES[account.settings.get("environment", "production")]

    async def carry(self, parcel: Parcel, device: Reached) -> Delivered:
        said = _said(parcel)
        headers = {"apns-id": str(parcel.id), "apns-push-type": "alert", "apns-priority": "10"}
        reply = await self._post(device.token, headers, said)
        if reply is None:
            return Delivered(_UNREADABLE)
        return told(reply)

    async def probe(self) -> Reply:
        """A message to nobody: whoever is known hears of the token, whoever is not of themselves."""
        reply = await self._post(_NOBODY, {"apns-push-type": "alert"}, {"aps": {}})
        if reply is None:
            return Reply(401, {}, b"the private key cannot be read")
        return Reply(200, {}) if reply.status in (400, 410) and reason(reply) in _GONE else reply

    async def _post(self, token: str, headers: dict[str, str], said: dict[str, Any]) -> Reply | None:
        """None when there is no provider token."""
        try:
            authorization = f"bearer {_token(self._account)}"
        except (ValueError, TypeError, jwt.PyJWTError):
            return None
        headers = {**headers, "authorization": authorization, "apns-topic": self._account.settings["topic"]}
        return await self._caller.call("POST", f"{self._place}/3/device/{token}", headers, json.dumps(said).encode())


_UNREADABLE = Outcome(Answer.SENDER_REFUSED, "the private key cannot be read")


def told(reply: Reply) -> Delivered:
    """What an answer of APNs means."""
    why = reason(reply)
    if reply.status in (400, 410) and why in _GONE:
        return Delivered(Outcome(Answer.REJECTED, f"{reply.status} {why}"), gone=True)
    if reply.status == 400 and why in _SENDER:
        return Delivered(Outcome(Answer.SENDER_REFUSED, reply.words))
    return Delivered(meaning(reply, reply.headers.get("apns-id")))


def reason(reply: Reply) -> str:
    return str(reply.told().get("reason") or "")


def _token(account: Known) -> str:
    token, end = _tokens.get((account.id, account.version), ("", 0.0))
    if time.monotonic() < end:
        return token
    claims = {"iss": account.settings["teamId"], "iat": int(time.time())}
    token = jwt.encode(
        claims, account.secrets["privateKey"], algorithm="ES256", headers={"kid": account.settings["keyId"]}
    )
    if len(_tokens) > 1_000:
        _tokens.clear()
    _tokens[account.id, account.version] = (token, time.monotonic() + _LIFE)
    return token


def _said(parcel: Parcel) -> dict[str, Any]:
    alert = {"title": parcel.content.subject, "body": parcel.content.text}
    aps = {"alert": {name: value for name, value in alert.items() if value}, "sound": "default"}
    return {**(parcel.content.data or {}), "wayfareMessageId": str(parcel.id), "aps": aps}
