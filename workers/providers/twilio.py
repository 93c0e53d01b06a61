"""Text messages by Twilio's Messages resource."""

from base64 import b64encode
from urllib.parse import urlencode

from domain.messages import Answer, Outcome
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Known

# Our id in the address of its callbacks.
MESSAGE = "message"
_PLACE = "https://api.twilio.com/2010-04-01/Accounts"
# Errors about the sender, which every message would meet: not a number of the account, not one that can send, and
# a service without any.
_SENDER = {21212, 21603, 21606, 21703, 21659, 21660}


class Twilio:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._caller, self._callback = caller, account.callback
        self._sid = account.settings["accountSid"]
        service = account.settings.get("messagingServiceSid")
        self._sender = {"MessagingServiceSid": service} if service else {"From": account.settings["from"]}
        credentials = b64encode(f"{self._sid}:{account.secrets['authToken']}".encode()).decode()
        self._headers = {
            "authorization": f"Basic {credentials}",
            "content-type": "application/x-www-form-urlencoded",
        }

    async def carry(self, parcel: Parcel) -> Outcome:
        form = {"To": parcel.address, **self._sender, "Body": parcel.content.text or parcel.content.subject}
        if self._callback:
            form["StatusCallback"] = f"{self._callback}?{MESSAGE}={parcel.id}"
        url = f"{_PLACE}/{self._sid}/Messages.json"
        reply = await self._caller.call("POST", url, self._headers, urlencode(form).encode())
        if reply.status == 400 and reply.told().get("code") in _SENDER:
            return Outcome(Answer.SENDER_REFUSED, reply.words)
        return meaning(reply, str(reply.told().get("sid") or ""))

    async def probe(self) -> Reply:
        return await self._caller.call("GET", f"{_PLACE}/{self._sid}.json", self._headers)
