"""Text messages by Publish of Amazon SNS."""

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

from domain.messages import Answer, Outcome
from workers.parcels import Parcel
from workers.providers.answers import meaning
from workers.providers.calls import Caller, Reply
from workers.providers.carrier import Known
from workers.providers.sigv4 import Signer

_VERSION = "2010-03-31"
_ID = re.compile(rb"<MessageId>([0-9A-Za-z-]{1,100})</MessageId>")
_CODE = re.compile(rb"<Code>([A-Za-z.]{1,100})</Code>")
# SNS tells these with 400, as it does what is wrong with one message.
_BUSY = {"Throttling", "ThrottlingException", "Throttled", "ThrottledException", "RequestLimitExceeded"}


class Sns:
    def __init__(self, account: Known, caller: Caller) -> None:
        self._caller = caller
        settings = account.settings
        region = settings["region"]
        self._url = f"https://sns.{region}.amazonaws.com/"
        self._signer = Signer(settings["accessKeyId"], account.secrets["secretAccessKey"], region, "sns")
        told = {"AWS.SNS.SMS.SenderID": settings.get("senderId"), "AWS.SNS.SMS.SMSType": settings.get("smsType")}
        self._attributes = {name: value for name, value in told.items() if value}

    async def carry(self, parcel: Parcel) -> Outcome:
        form = {"PhoneNumber": parcel.address, "Message": parcel.content.text or parcel.content.subject}
        for number, (name, value) in enumerate(self._attributes.items(), 1):
            entry = f"MessageAttributes.entry.{number}"
            form |= {f"{entry}.Name": name, f"{entry}.Value.DataType": "String", f"{entry}.Value.StringValue": value}
        reply = await self._post("Publish", form)
        code = _CODE.search(reply.body)
        if code and code[1].decode() in _BUSY:
            return Outcome(Answer.DEFERRED, reply.words, reply.retry_after)
        found = _ID.search(reply.body)
        return meaning(reply, found[1].decode() if found else None)

    async def probe(self) -> Reply:
        return await self._post("GetSMSAttributes", {})

    async def _post(self, action: str, form: dict[str, str]) -> Reply:
        body = urlencode({"Action": action, "Version": _VERSION, **form}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        signed = self._signer.signed(self._url, headers, body, datetime.now(UTC))
        return await self._caller.call("POST", self._url, signed, body)
