"""Where webhooks may go: https to public addresses, never into the network that Wayfare stands in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from domain.refusals import Refused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL = 2_000
PORTS = {443, 8443}
# Ways of writing an IPv4 address inside IPv6: what they lead to depends on the network, so they are never public.
_EMBEDDING = tuple(
    IPv6Network(net) for net in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Names of private networks: a resolver may answer them from anywhere.
_INNER = {"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa", "test", "invalid"}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: `host` is a name, or an address as it is written in a URL without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks separated by commas, e.g. `127.0.0.0/8,::1/128`; raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def read_target(url: str, allowed: Sequence[Network] = ()) -> Target:
    """Takes a URL apart; refuses INVALID_URL for whatever is not https to a public name or address.

    allowed: networks of the operator's own that may be reached too, on any port; the loopback among them also by http.
    Of a name nothing is known but its form: whoever connects looks at its addresses by `require_reachable`.
    """
    target = _parts(url)
    literal = _literal(target.host)
    trusted = _is_trusted(target.host, literal, allowed)
    if target.scheme == "http" and not trusted:
        raise _refused("Use https.")
    if literal is not None:
        require_reachable(target, [literal], allowed)
    elif not trusted:
        _require_name(target.host)
        # Where there are networks of one's own, there may be names of one's own.
        if not allowed:
            _require_public_name(target.host)
            _require_usual_port(target.port)
    return target


def require_reachable(target: Target, addresses: Iterable[Address], allowed: Iterable[Network] = ()) -> None:
    """Refuses INVALID_URL unless each of the addresses that the target leads to may be connected to."""
    for address in addresses:
        if any(address in network for network in allowed):
            continue
        if not is_allowed(address):
            raise _refused("This leads to an address that is not a public one.")
        _require_usual_port(target.port)


def is_allowed(address: Address, allowed: Iterable[Network] = ()) -> bool:
    """Whether a connection to this address may be made."""
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv6Address) and any(address in network for network in _EMBEDDING):
        return False
    return address.is_global and not address.is_multicast and not getattr(address, "is_site_local", False)


def _parts(url: str) -> Target:
    if len(url) > MAX_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise _refused(f"A URL has at most {MAX_URL} characters, all of them ASCII; write other names in punycode.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("This is not a URL.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refused("Give a URL such as https://example.com/hooks.")
    if "@" in parts.netloc or "%" in parts.netloc:
        raise _refused("A URL here has no user, password or percent sign before its path.")
    if "#" in url:
        raise _refused("A URL here has no fragment.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = {"http": 80, "https": 443}[parts.scheme]
    return Target(parts.scheme, parts.hostname, usual if port is None else port, path)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_trusted(host: str, literal: Address | None, allowed: Sequence[Network]) -> bool:
    """Whether it lies in a network that the operator allows; `localhost` as the loopback does."""
    address = ip_address("127.0.0.1") if host == "localhost" else literal
    return address is not None and any(address in network for network in allowed)


def _require_name(host: str) -> None:
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("This is not the name of a host.")
    # `127.1`, `2130706433` and `0x7f.1` are addresses to a resolver: a last label of digits is never a name.
    if labels[-1].isdigit() or re.fullmatch(r"0x[0-9a-f]*", labels[-1]):
        raise _refused("Write an address as four decimal numbers.")


def _require_public_name(host: str) -> None:
    if "." not in host or host.rpartition(".")[2] in _INNER:
        raise _refused("This is a name of a private network.")


def _require_usual_port(port: int) -> None:
    if port not in PORTS:
        raise _refused("Use port 443 or 8443.")


def _refused(message: str) -> Refused:
    return Refused("INVALID_URL", message, ("url",))
