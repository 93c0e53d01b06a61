"""What commands need from outside their rooms and only the process that starts can give."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from domain.suppressions import AddressKey
from domain.templates import Content
from resolvers.issuer import Issuer
from resolvers.tokens import TokenKeys
from resolvers.watch import Feed


def _nothing(_content: Content) -> None:
    raise RuntimeError("this process was not told how to check templates")


@dataclass(frozen=True, slots=True)
class Tools:
    """check_template: refuses content that could not be rendered; secret: keys the hashes of suppressed addresses;
    sender: the address of brands that have none of their own; feed: where live events come from;
    tokens: signs and reads access tokens; issuer: whose tokens are believed besides."""

    check_template: Callable[[Content], None] = _nothing
    secret: bytes | None = None
    sender: str | None = None
    feed: Feed | None = None
    tokens: TokenKeys | None = None
    issuer: Issuer | None = None

    def address_key(self, organization_id: UUID) -> AddressKey:
        if self.secret is None:
            raise RuntimeError("WAYFARE_SECRET is not set: addresses cannot be compared with suppressed ones")
        return AddressKey.of(self.secret, organization_id)


NO_TOOLS = Tools()
