"""What providers need from the outside and only the process that starts can know."""

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from db.vault import Vault
from domain.webhooks.targets import Address, Network
from workers.webhooks.names import look_up

LookUp = Callable[[str, int], Awaitable[list[Address]]]


@dataclass(frozen=True, slots=True)
class Outside:
    """vault: opens the secrets of accounts; allowed: networks of the operator's own that may be reached.

    inbox: the folder of the development inbox, which takes what nobody else carries; redis_url: where paces are shared;
    public_url: where providers may call us back.
    places: other addresses for providers' own, e.g. of a stand-in; look_up, transport and trust are the real ones
    except in tests.
    """

    vault: Vault
    allowed: Sequence[Network] = ()
    inbox: Path | None = None
    redis_url: str | None = None
    public_url: str | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    look_up: LookUp = look_up
    transport: httpx2.AsyncBaseTransport | None = None
    trust: ssl.SSLContext | None = None
