"""Messages posted to a URL, signed as Standard Webhooks says: each id once, whatever is repeated."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain.messages import Outcome
from domain.webhooks.signatures import headers
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Known


class Webhook:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._url = account.settings["url"]
        named = ("signingSecret", "previousSigningSecret")
        self._secrets = [account.secrets[name] for name in named if name in account.secrets]
        self._caller = caller

    async def carry(self, parcel: Parcel) -> Outcome:
        reply = await self._post(f"msg_{parcel.id.hex}", _said(parcel))
        return meaning(reply, str(parcel.id))

    async def probe(self) -> Reply:
        now = datetime.now(UTC)
        return await self._post(f"test_{now:%Y%m%d%H%M%S%f}", {"type": "message.test", "timestamp": now.isoformat()})

    async def _post(self, identifier: str, said: Mapping[str, Any]) -> Reply:
        body = json.dumps(said, ensure_ascii=False, default=str).encode()
        signed = headers(self._secrets, identifier, datetime.now(UTC), body)
        return await self._caller.call_given("POST", self._url, {"content-type": "application/json", **signed}, body)


def _said(parcel: Parcel) -> dict[str, Any]:
    content = parcel.content
    return {
        "type": "message.send",
        "timestamp": parcel.at.isoformat(),
        "data": {
            "messageId": str(parcel.id),
            "customerId": parcel.address,
            "name": parcel.recipient_name,
            "subject": content.subject,
            "text": content.text,
            "html": content.html,
            "data": dict(content.data or {}),
        },
    }
