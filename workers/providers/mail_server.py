"""Mail by an account's own SMTP server: to an address that was checked, over connections that are kept."""

import asyncio
import socket

from aiosmtplib import SMTPAuthenticationError

from domain.messages import Outcome
from domain.webhooks.targets import is_allowed
from workers.parcels import Parcel
from workers.providers.calls import CONNECT_PATIENCE, Caller, NotSentError, Reply
from workers.providers.carrier import Known
from workers.providers.outside import Outside
from workers.providers.provider import UnreachableError
from workers.providers.smtp import LANES, Lane, Server

# Where mail servers are: an account must not be a way to any other.
PORTS = (25, 465, 587, 2525)


class MailServer:
    def __init__(self, account: Known, caller: Caller) -> None:
        server = server_of(account, caller.outside)
        self._lanes = [Lane(server) for _ in range(LANES)]
        self._free: asyncio.Queue[Lane] = asyncio.Queue()
        for lane in self._lanes:
            self._free.put_nowait(lane)

    async def carry(self, parcel: Parcel) -> Outcome:
        lane = await self._free.get()
        try:
            return await lane.send(parcel)
        finally:
            self._free.put_nowait(lane)

    async def probe(self) -> Reply:
        """Greets and signs in."""
        try:
            await self._lanes[0].connected()
        except UnreachableError as error:
            if isinstance(error.__cause__, SMTPAuthenticationError):
                return Reply(401, {}, str(error).encode())
            raise NotSentError(str(error)) from error
        return Reply(200, {})

    async def leave(self) -> None:
        await asyncio.gather(*(lane.leave() for lane in self._lanes))


def server_of(account: Known, outside: Outside) -> Server:
    """The server that an account names, which is dialled where its name was checked to lead."""
    settings, password = account.settings, account.secrets.get("password")
    host, username = settings["host"], settings.get("username")
    tls = settings.get("security") == "tls"
    port = int(settings.get("port") or (465 if tls else 587 if username else 25))

    async def dial() -> socket.socket:
        return await _dialled(host, port, outside)

    return Server(host, port, tls, username, password, dial, outside.trust, settings.get("returnDomain"))


async def _dialled(host: str, port: int, outside: Outside) -> socket.socket:
    """A connection to the first address that answers; raises OSError."""
    addresses = await outside.look_up(host, port)
    for address in addresses:
        inner = any(address in network for network in outside.allowed)
        if not is_allowed(address, outside.allowed) or (port not in PORTS and not inner):
            raise OSError("it leads to an address or a port that may not be connected to")
    problem = OSError("the name has no address")
    for address in addresses:
        opened = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET)
        opened.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await asyncio.get_running_loop().sock_connect(opened, (str(address), port))
        except OSError as error:
            opened.close()
            problem = error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise problem
