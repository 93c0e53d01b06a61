"""Updates of loyalty objects in Google Wallet: fields by PATCH, words by addMessage, which notifies or not."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from db.devices import Reached
from domain.messages import Answer, Outcome
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Delivered, Known
from workers.providers.fcm import refusal, unauthorized
from workers.providers.google import ServiceAccount, TokenRefusedError

_PLACE = "https://walletobjects.googleapis.com/walletobjects/v1"
_SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"


class GoogleWallet:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._caller = caller
        self._service = ServiceAccount(account, caller, _SCOPE)

    async def carry(self, parcel: Parcel, device: Reached, *, notifying: bool = True) -> Delivered:
        """notifying: whether the holder may hear of it; Google lets three messages a day of an object be heard."""
        try:
            return await self._carry(parcel, device, notifying=notifying)
        except TokenRefusedError as refused:
            return Delivered(refusal(refused.reply))

    async def _carry(self, parcel: Parcel, device: Reached, *, notifying: bool) -> Delivered:
        place = f"{_PLACE}/loyaltyObject/{quote(device.token, safe='.')}"
        if fields := nested(parcel.content.data or {}):
            # The same fields again change nothing, so this may be repeated whatever became of it.
            reply = await self._call("PATCH", place, fields)
            if not reply.ok:
                return self._told(reply, None)
        reply = await self._call("POST", f"{place}/addMessage", {"message": _message(parcel, notifying=notifying)})
        known = str(parcel.id) if isinstance(reply.told().get("resource"), dict) else None
        return self._told(reply, known and (known if notifying else f"{known} (silent)"))

    async def probe(self) -> Reply:
        try:
            return await self._call("GET", f"{_PLACE}/issuer", None)
        except TokenRefusedError as refused:
            return unauthorized(refused.reply)

    def _told(self, reply: Reply, known: str | None) -> Delivered:
        if reply.status == 401:
            self._service.forget()
        if reply.status == 404:
            return Delivered(Outcome(Answer.REJECTED, reply.words), gone=True)
        return Delivered(meaning(reply, known))

    async def _call(self, method: str, url: str, said: Mapping[str, Any] | None) -> Reply:
        headers = await self._service.headers()
        return await self._caller.call(method, url, headers, json.dumps(said).encode() if said else b"")


def _message(parcel: Parcel, *, notifying: bool) -> dict[str, str]:
    return {
        # Google takes a message of this id once.
        "id": str(parcel.id),
        "header": parcel.content.subject,
        "body": parcel.content.text or parcel.content.subject,
        "messageType": "TEXT_AND_NOTIFY" if notifying else "TEXT",
    }


def nested(data: Mapping[str, Any]) -> dict[str, Any]:
    """`{"loyaltyPoints.balance.int": "120"}` as the object it means; what ends in `int` or `micros` is a number."""
    whole: dict[str, Any] = {}
    for path, value in data.items():
        *outer, last = path.split(".")
        place = whole
        for name in outer:
            inner = place.setdefault(name, {})
            if not isinstance(inner, dict):
                break
            place = inner
        place[last] = _number(value) if last in ("int", "micros") else value
    return whole


def _number(value: Any) -> Any:
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return value
