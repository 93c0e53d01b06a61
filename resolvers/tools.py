"""What commands need from outside their rooms and only the process that starts can give."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db.providers import Account, Tested
from db.webhooks import Vault
from domain.consents import Channel
from domain.previews import Shown
from domain.suppressions import AddressKey
from domain.templates import Content
from domain.webhooks.targets import Address, Network
from resolvers.issuer import Issuer
from resolvers.tokens import TokenKeys
from resolvers.watch import Feed


def _nothing(_content: Content, _channel: Channel) -> None:
    raise RuntimeError("this process was not told how to check templates")


def _nothing_shown(_content: Content, _values: Mapping[str, Any]) -> Shown:
    raise RuntimeError("this process was not told how to render templates")


@dataclass(frozen=True, slots=True)
class Tools:
    """check_template: refuses content that could not be rendered; secret: keys the hashes of suppressed addresses;
    sender: the address of brands that have none of their own; feed: where live events come from;
    tokens: signs and reads access tokens; issuer: whose tokens are believed besides; vault: seals secrets;
    allowed: networks of the operator's own that webhooks may reach; look_up: addresses of a host and port;
    try_account: asks an account's provider whether these secrets are good; show_template: renders for one customer;
    public_url: where links of ours point; carried: channels on which the installation itself carries messages of
    brands without an account."""

    check_template: Callable[[Content, Channel], None] = _nothing
    secret: bytes | None = None
    sender: str | None = None
    feed: Feed | None = None
    tokens: TokenKeys | None = None
    issuer: Issuer | None = None
    vault: Vault | None = None
    allowed: Sequence[Network] = ()
    look_up: Callable[[str, int], Awaitable[list[Address]]] | None = None
    try_account: Callable[[Account, Mapping[str, str]], Awaitable[Tested]] | None = None
    show_template: Callable[[Content, Mapping[str, Any]], Shown] = _nothing_shown
    public_url: str | None = None
    carried: frozenset[Channel] = frozenset()

    def address_key(self, organization_id: UUID) -> AddressKey:
        if self.secret is None:
            raise RuntimeError("WAYFARE_SECRET is not set: addresses cannot be compared with suppressed ones")
        return AddressKey.of(self.secret, organization_id)

    def sealing(self) -> Vault:
        if self.vault is None:
            raise RuntimeError("WAYFARE_SECRET is not set: secrets cannot be sealed")
        return self.vault


NO_TOOLS = Tools()
