"""What sending needs from the outside and only the process that starts can know; the app says it once."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from uuid import UUID

from domain.links import Place
from domain.results.mails.addresses import Subject, local_part
from workers.providers.outside import Outside
from workers.providers.provider import Provider, UnreachableError
from workers.providers.smtp import Server, Smtp


@dataclass(frozen=True, slots=True)
class Delivery:
    """connect: opens the way to the provider; secret: keys the hashes of suppressed addresses;
    sender: the address of brands that have none of their own; invitation_url: where people accept invitations, with
    `{token}` in it, and reset_url where they set another password; public_url: where links of ours point;
    outside: what accounts of providers need, None where none can be used."""

    connect: Callable[[], AbstractAsyncContextManager[Provider]]
    secret: bytes
    sender: str | None = None
    invitation_url: str | None = None
    public_url: str | None = None
    reset_url: str | None = None
    outside: Outside | None = None


_delivery: Delivery | None = None


def deliver(delivery: Delivery) -> None:
    """Says how this process delivers."""
    global _delivery
    _delivery = delivery


def deliver_by_smtp(
    url: str | None,
    secret: bytes,
    sender: str | None = None,
    invitation_url: str | None = None,
    public_url: str | None = None,
    reset_url: str | None = None,
    outside: Outside | None = None,
    return_domain: str | None = None,
) -> None:
    """Says that this process delivers over SMTP; raises ValueError when the URL is not one of SMTP.

    Without a URL mail goes by the accounts of organizations alone. return_domain: whose mail is handed to us.
    """
    server = replace(Server.at(url), return_domain=return_domain) if url else None

    def connect() -> AbstractAsyncContextManager[Provider]:
        if server is None:
            raise UnreachableError(
                "Nobody set up a provider for EMAIL: make one by providerAccountCreate, or set SMTP_URL."
            )
        return Smtp(server)

    deliver(Delivery(connect, secret, sender, invitation_url, public_url, reset_url, outside))


def delivery() -> Delivery:
    """Raises UnreachableError when this process was not told."""
    if _delivery is None:
        raise UnreachableError("The workers have no WAYFARE_SECRET, so nothing can be sent.")
    return _delivery


def place_of_links() -> Place | None:
    """Where links of ours point; None where this process was not told a public address."""
    if _delivery is None or _delivery.public_url is None:
        return None
    return Place(_delivery.public_url, [_delivery.secret])


def returns_of(organization_id: UUID, message_id: UUID) -> str | None:
    """What stands before the @ of a message's own address; None where this process was told nothing."""
    return None if _delivery is None else local_part(_delivery.secret, Subject(organization_id, message_id))
