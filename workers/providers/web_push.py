"""Push messages to browsers: RFC 8030, encrypted by RFC 8291, from an application server known by VAPID (RFC 8292)."""

import json
import time
from urllib.parse import urlsplit

import jwt

from db.devices import Reached
from domain.devices import decoded
from domain.messages import Answer, Outcome
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Delivered, Known
from workers.providers.encryption import base64url, curve_point, encrypted, vapid_key

# How long a push service keeps a message for a browser that is closed, and a VAPID token is good; seconds.
TTL = 3 * 86_400
_LIFE = 12 * 3_600
_GONE = (404, 410)


class WebPush:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._account, self._caller = account, caller

    async def carry(self, parcel: Parcel, device: Reached) -> Delivered:
        try:
            key = vapid_key(self._account.secrets["privateKey"])
        except ValueError:
            return Delivered(_UNREADABLE)
        try:
            body = encrypted(_said(parcel), decoded(device.keys["p256dh"]), decoded(device.keys["auth"]))
        except (ValueError, KeyError) as error:
            return Delivered(Outcome(Answer.REJECTED, str(error)))
        parts = urlsplit(device.token)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int(time.time()) + _LIFE,
            "sub": self._account.settings["subject"],
        }
        token = jwt.encode(claims, key, algorithm="ES256")
        headers = {
            "authorization": f"vapid t={token}, k={base64url(curve_point(key.public_key()))}",
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(TTL),
            "urgency": "normal",
            # A message that waits is replaced by its own repetition.
            "topic": parcel.id.hex,
        }
        return _told(await self._caller.call_given("POST", device.token, headers, body), parcel)

    async def probe(self) -> Reply:
        """There is nobody to ask: what can be known is whether the key is one."""
        try:
            vapid_key(self._account.secrets["privateKey"])
        except ValueError:
            return Reply(401, {}, b"the private key cannot be read")
        return Reply(200, {}, b"The key can be read; push services are asked with the first message.")


_UNREADABLE = Outcome(Answer.SENDER_REFUSED, "the private key cannot be read")


def _told(reply: Reply, parcel: Parcel) -> Delivered:
    """Endpoints are what customers say they are: none may speak for the account, so none refuses the sender."""
    if reply.status in _GONE:
        return Delivered(Outcome(Answer.REJECTED, f"{reply.status} the subscription has ended"), gone=True)
    if reply.status in (401, 402, 403):
        return Delivered(Outcome(Answer.REJECTED, reply.words))
    # 201 says where the message is; some push services say only that.
    known = reply.headers.get("location") or (parcel.id.hex if reply.status == 201 else None)
    return Delivered(meaning(reply, known))


def _said(parcel: Parcel) -> bytes:
    """What the page's service worker is given."""
    content = parcel.content
    said = {"title": content.subject, "body": content.text, "data": dict(content.data or {}), "id": str(parcel.id)}
    return json.dumps(said, ensure_ascii=False, default=str, separators=(",", ":")).encode()
