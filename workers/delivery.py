"""What sending needs from the outside and only the process that starts can know; the app says it once."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from workers.providers.provider import Provider, UnreachableError
from workers.providers.smtp import Server, Smtp


@dataclass(frozen=True, slots=True)
class Delivery:
    """connect: opens the way to the provider; secret: keys the hashes of suppressed addresses;
    sender: the address of brands that have none of their own; invitation_url: where people accept invitations, with
    `{token}` in it; public_url: where links of ours point."""

    connect: Callable[[], AbstractAsyncContextManager[Provider]]
    secret: bytes
    sender: str | None = None
    invitation_url: str | None = None
    public_url: str | None = None


_delivery: Delivery | None = None


def deliver(delivery: Delivery) -> None:
    """Says how this process delivers."""
    global _delivery
    _delivery = delivery


def deliver_by_smtp(
    url: str,
    secret: bytes,
    sender: str | None = None,
    invitation_url: str | None = None,
    public_url: str | None = None,
) -> None:
    """Says that this process delivers over SMTP; raises ValueError when the URL is not one of SMTP."""
    server = Server.at(url)
    deliver(Delivery(lambda: Smtp(server), secret, sender, invitation_url, public_url))


def delivery() -> Delivery:
    """Raises UnreachableError when this process was not told."""
    if _delivery is None:
        raise UnreachableError("The workers have no SMTP_URL or no WAYFARE_SECRET, so nothing can be sent.")
    return _delivery
