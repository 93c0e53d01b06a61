"""Host names turned into addresses: looked up once, every one of them checked, and connected to as checked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from domain.webhooks.targets import Address, Network, is_allowed

PATIENCE = 5.0
# Of a name with many addresses no more than these are tried.
MOST = 4


class BlockedError(Exception):
    """The name leads to an address that is not public, or to none."""


async def look_up(host: str, port: int) -> list[Address]:
    """The addresses of a name, or the one that it is; raises OSError."""
    async with asyncio.timeout(PATIENCE):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(place[4][0]).partition("%")[0]) for place in found))


async def public_addresses(
    host: str, port: int, allowed: Sequence[Network], look_up: Callable[[str, int], Awaitable[list[Address]]]
) -> list[Address]:
    """Where to connect for a host; raises BlockedError when any of its addresses is not allowed, or none is known.

    The connection is made to these very addresses: a name that leads elsewhere a moment later leads us nowhere.
    """
    try:
        addresses = await look_up(host, port)
    except (OSError, UnicodeError) as error:
        raise BlockedError("the name has no address") from error
    if not addresses:
        raise BlockedError("the name has no address")
    if not all(is_allowed(address, allowed) for address in addresses):
        raise BlockedError("the name leads to an address that is not a public one")
    return addresses[:MOST]
