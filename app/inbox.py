"""The development inbox: an SMTP server that accepts every mail and keeps it as a file."""

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Inbox:
    """Writes each mail to `<folder>/<UTC time>-<number>.eml`, complete or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._number += 1
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{self._number:06}.eml"
        recipients = ", ".join(envelope.rcpt_tos)
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {recipients}\r\n".encode()
        fresh = self._folder / f".{name}"
        fresh.write_bytes(head + envelope.content)
        fresh.rename(self._folder / name)
        return "250 Kept"


async def receive(host: str, port: int, folder: Path) -> None:
    """Accept mail until SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    inbox = Inbox(folder)
    server = await loop.create_server(lambda: SMTP(inbox, enable_SMTPUTF8=True, loop=loop), host, port)
    async with server:
        await stop.wait()
