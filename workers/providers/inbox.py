"""The development inbox: messages of every channel as files that a page shows."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.devices import Reached
from domain.messages import Answer, Outcome
from workers.mails import compose
from workers.parcels import Parcel
from workers.providers.calls import Caller, NotSentError, Reply
from workers.providers.carrier import Known


class Inbox:
    """Keeps each message as one file: mails as `.eml`, all others as `.json`; the same message twice is one."""

    def __init__(self, _account: Known | None, caller: Caller) -> None:
        self._folder = caller.outside.inbox

    async def carry(self, parcel: Parcel, devices: list[Reached] | None = None) -> Outcome:
        if self._folder is None:
            raise NotSentError("This installation has no development inbox; `wayfare run` has one.")
        try:
            ending, content = kept(parcel, devices or [])
        except ValueError as error:
            return Outcome(Answer.REJECTED, str(error))
        self._folder.mkdir(parents=True, exist_ok=True)
        known = next(self._folder.glob(f"*-{parcel.id.hex}.{ending}"), None)
        if known is None:
            _write(self._folder, f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{parcel.id.hex}.{ending}", content)
        return Outcome(Answer.ACCEPTED, str(parcel.id))

    async def probe(self) -> Reply:
        return Reply(200, {}) if self._folder else Reply(503, {}, b"there is no development inbox here")


def kept(parcel: Parcel, devices: list[Reached]) -> tuple[str, bytes]:
    """The ending and content of a message's file; raises ValueError for a mail that cannot be written."""
    if parcel.channel == "EMAIL":
        head = f"X-Envelope-From: {parcel.sender}\r\nX-Envelope-To: {parcel.address}\r\n"
        return "eml", head.encode("ascii", "backslashreplace") + compose(parcel)
    content = parcel.content
    said: dict[str, Any] = {
        "channel": parcel.channel.value,
        "id": str(parcel.id),
        "at": parcel.at.isoformat(),
        "from": parcel.sender_name or parcel.sender,
        "to": parcel.address,
        "name": parcel.recipient_name,
        "subject": content.subject,
        "text": content.text,
        "html": content.html,
        "data": dict(content.data or {}),
        "devices": [{"kind": device.kind, "id": str(device.id)} for device in devices],
    }
    return "json", json.dumps(said, ensure_ascii=False, indent=1, default=str).encode()


def _write(folder: Path, name: str, content: bytes) -> None:
    fresh = folder / f".{name}"
    fresh.write_bytes(content)
    fresh.rename(folder / name)
