"""Mails as bytes: headers that values cannot break out of, text and HTML as alternatives."""

import re
from email import policy
from email._policybase import Policy
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from typing import Any

from workers.parcels import Parcel


class _Links(UnstructuredHeader, BaseHeader):
    """A header of URLs: folded between them alone, because what folds words encodes those that are long."""

    def fold(self, *, policy: "Policy[Any]") -> str:
        return f"{self.name}: {str(self).replace(', ', ',' + policy.linesep + ' ')}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Links)
# Seven bits: not every server announces that it takes eight.
_POLICY = policy.SMTP.clone(cte_type="7bit", header_factory=_HEADERS)
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def compose(mail: Parcel) -> bytes:
    """The mail as RFC 5322 bytes with CRLF; raises ValueError for an address or header that cannot be."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = mailbox(mail.sender_name, mail.sender)
    message["To"] = mailbox(mail.recipient_name, mail.address)
    message["Subject"] = _line(mail.content.subject)
    message["Date"] = mail.at
    message["Message-ID"] = f"<{mail.id}@{mail.sender.rpartition('@')[2]}>"
    for name, value in mail.headers.items():
        message[name] = _line(value)
    if mail.content.text is not None:
        message.set_content(mail.content.text)
    if mail.content.html is not None:
        add = message.set_content if mail.content.text is None else message.add_alternative
        add(mail.content.html, subtype="html")
    return message.as_bytes()


def mailbox(name: str | None, address: str) -> Address:
    """A name and an address as a header has them; raises ValueError."""
    try:
        return Address(_line(name or ""), addr_spec=address)
    except Exception as error:  # the header parser fails in many ways, each of which means the address
        raise ValueError("this address cannot stand in a header") from error


def _line(value: str) -> str:
    """One line: whatever might end a header is a space, and what looks like an encoded word is not read as one."""
    return _UNPRINTABLE.sub(" ", value).strip().replace("=?", "= ?")
