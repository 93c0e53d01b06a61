"""Mail by SendGrid's Web API v3."""

import json
from typing import Any

from domain.messages import Outcome
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Known

_PLACES = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
# Comes back with each of its events.
MESSAGE = "wayfare_message_id"


class SendGrid:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._caller = caller
        self._place = _PLACES[account.settings.get("region", "global")]
        self._headers = {
            "authorization": f"Bearer {account.secrets['apiKey']}",
            "content-type": "application/json",
        }

    async def carry(self, parcel: Parcel) -> Outcome:
        content = json.dumps(_mail(parcel)).encode()
        reply = await self._caller.call("POST", f"{self._place}/v3/mail/send", self._headers, content)
        return meaning(reply, reply.headers.get("x-message-id"))

    async def probe(self) -> Reply:
        return await self._caller.call("GET", f"{self._place}/v3/scopes", self._headers)


def _mail(parcel: Parcel) -> dict[str, Any]:
    parts = [("text/plain", parcel.content.text), ("text/html", parcel.content.html)]
    return {
        "personalizations": [{"to": [_named(parcel.address, parcel.recipient_name)]}],
        "from": _named(parcel.sender, parcel.sender_name),
        "subject": parcel.content.subject,
        # In this order: SendGrid refuses any other.
        "content": [{"type": type_, "value": value} for type_, value in parts if value is not None],
        "headers": dict(parcel.headers),
        "custom_args": {MESSAGE: str(parcel.id)},
        # Links and pixels are ours, and only where the recipient's privacy settings let them be.
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
    }


def _named(address: str, name: str | None) -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}
