"""Host names turned into addresses: looked up once, every one of them checked, and connected to as checked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from domain.webhooks.targets import Address, Network, Target, require_reachable

PATIENCE = 5.0
# Of a name with many addresses no more than these are tried.
MOST = 4


class BlockedError(Exception):
    """The name leads to no address."""


async def look_up(host: str, port: int) -> list[Address]:
    """The addresses of a name, or the one that it is; raises OSError."""
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(place[4][0]).partition("%")[0]) for place in found))


async def reachable_addresses(
    target: Target, allowed: Sequence[Network], look_up: Callable[[str, int], Awaitable[list[Address]]]
) -> list[Address]:
    """Where to connect; raises BlockedError when there is no address, refuses INVALID_URL when one is not allowed.

    The connection is made to these very addresses: a name that leads elsewhere a moment later leads us nowhere.
    """
    try:
        addresses = await look_up(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise BlockedError("the name has no address") from error
    if not addresses:
        raise BlockedError("the name has no address")
    require_reachable(target, addresses, allowed)
    return addresses[:MOST]
