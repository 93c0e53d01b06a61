"""Push messages by Firebase Cloud Messaging, HTTP v1."""

import json
from typing import Any

from db.devices import Reached
from domain.messages import Answer, Outcome
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Delivered, Known
from workers.providers.google import ServiceAccount, TokenRefusedError

_PLACE = "https://fcm.googleapis.com/v1/projects"
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
# Words of its own in `data`: where a tap leads, and what is shown beside the text.
IMAGE = "image"
# Errors that say that the token is nobody's, or of another project.
_GONE = {"UNREGISTERED", "SENDER_ID_MISMATCH"}


class Fcm:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._caller = caller
        self._service = ServiceAccount(account, caller, _SCOPE)
        self._url = f"{_PLACE}/{self._service.project}/messages:send"

    async def carry(self, parcel: Parcel, device: Reached) -> Delivered:
        try:
            reply = await self._post({"message": _message(parcel, device.token)})
        except TokenRefusedError as refused:
            return Delivered(refusal(refused.reply))
        code = _error(reply)
        if code in _GONE:
            return Delivered(Outcome(Answer.REJECTED, f"{reply.status} {code}"), gone=True)
        if reply.status == 401:
            self._service.forget()
        return Delivered(meaning(reply, str(reply.told().get("name") or "")))

    async def probe(self) -> Reply:
        """Asks whether a message to nobody would be sent: 400 about the token says that the rest is well."""
        try:
            reply = await self._post({"validate_only": True, "message": {"token": "nobody"}})
        except TokenRefusedError as refused:
            return unauthorized(refused.reply)
        return Reply(200, {}) if reply.status in (400, 404) else reply

    async def _post(self, said: dict[str, Any]) -> Reply:
        headers = await self._service.headers()
        return await self._caller.call("POST", self._url, headers, json.dumps(said).encode())


def unauthorized(reply: Reply) -> Reply:
    """A refusal of a token as a refusal of who asked: Google says 400 for an account that it does not know."""
    return Reply(401, reply.headers, reply.body) if 400 <= reply.status < 429 else reply


def refusal(reply: Reply) -> Outcome:
    """What it means that there was no token: nothing was sent to whom it is for."""
    if reply.status == 429 or reply.status >= 500:
        return Outcome(Answer.DEFERRED, reply.words, reply.retry_after)
    return Outcome(Answer.SENDER_REFUSED, reply.words)


def _message(parcel: Parcel, token: str) -> dict[str, Any]:
    data = {name: _text(value) for name, value in (parcel.content.data or {}).items()}
    notification = {"title": parcel.content.subject, "body": parcel.content.text, "image": data.get(IMAGE)}
    return {
        "token": token,
        "notification": {name: value for name, value in notification.items() if value},
        # What an app tells us by, when it is opened.
        "data": {**data, "wayfareMessageId": str(parcel.id)},
    }


def _text(value: Any) -> str:
    """FCM carries texts alone."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _error(reply: Reply) -> str | None:
    """The FCM error of an answer, e.g. UNREGISTERED."""
    error = reply.told().get("error")
    if not isinstance(error, dict):
        return None
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and "errorCode" in detail:
            return str(detail["errorCode"])
    return None
