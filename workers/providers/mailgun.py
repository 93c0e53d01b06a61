"""Mail by Mailgun's messages API."""

from base64 import b64encode
from collections.abc import Mapping
from secrets import token_hex

from domain.messages import Answer, Outcome
from workers.mails import mailbox
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Known

_PLACES = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
# Comes back with each of its events.
MESSAGE = "wayfare-message-id"


class Mailgun:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._caller = caller
        place = _PLACES[account.settings.get("region", "us")]
        self._url = f"{place}/v3/{account.settings['domain']}/messages"
        credentials = b64encode(f"api:{account.secrets['apiKey']}".encode()).decode()
        self._headers = {"authorization": f"Basic {credentials}"}

    async def carry(self, parcel: Parcel) -> Outcome:
        try:
            fields = _fields(parcel)
        except ValueError as error:
            return Outcome(Answer.REJECTED, str(error))
        reply = await self._post(fields)
        return meaning(reply, str(reply.told().get("id") or ""))

    async def probe(self) -> Reply:
        """A message that says nothing: refused as such by whoever knows the key."""
        reply = await self._post({"o:testmode": "yes"})
        return Reply(200, {}) if reply.status == 400 else reply

    async def _post(self, fields: Mapping[str, str]) -> Reply:
        boundary = token_hex(16)
        headers = {**self._headers, "content-type": f"multipart/form-data; boundary={boundary}"}
        return await self._caller.call("POST", self._url, headers, multipart(fields, boundary))


def multipart(fields: Mapping[str, str], boundary: str) -> bytes:
    """A form of text fields; no value can end its part, because nobody can guess the boundary."""
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


def _fields(parcel: Parcel) -> dict[str, str]:
    content = parcel.content
    parts = {"text": content.text, "html": content.html}
    return {
        "from": str(mailbox(parcel.sender_name, parcel.sender)),
        "to": str(mailbox(parcel.recipient_name, parcel.address)),
        "subject": content.subject,
        **{name: value for name, value in parts.items() if value is not None},
        "h:Message-Id": f"<{parcel.id}@{parcel.sender.rpartition('@')[2]}>",
        **{f"h:{name}": value for name, value in parcel.headers.items()},
        f"v:{MESSAGE}": str(parcel.id),
        # Links and pixels are ours.
        "o:tracking": "no",
    }
