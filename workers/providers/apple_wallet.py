"""Changes of Apple passes: an empty push to each telephone that holds one, which then fetches the pass anew."""

import ssl
import tempfile

from workers.providers.apns import PLACES, reason, told
from workers.providers.calls import Caller, NotSentError, Reply
from workers.providers.carrier import Delivered, Known
from workers.providers.outside import Outside

_NOBODY = "0" * 64


class AppleWallet:
    """Who calls is said by the pass type's certificate, so a connection is an account's own."""

    def __init__(self, account: Known, caller: Caller) -> None:
        self._caller = caller
        self._topic = account.settings["passTypeId"]

    async def nudge(self, push_token: str, message_id: str) -> Delivered:
        """Tells one telephone that a pass has changed."""
        return told(await self._post(push_token, {"apns-id": message_id}))

    async def probe(self) -> Reply:
        reply = await self._post(_NOBODY, {})
        return Reply(200, {}) if reply.status in (400, 410) and reason(reply) == "BadDeviceToken" else reply

    async def _post(self, token: str, headers: dict[str, str]) -> Reply:
        said = {**headers, "apns-topic": self._topic, "apns-push-type": "background", "apns-priority": "5"}
        return await self._caller.call("POST", f"{PLACES['production']}/3/device/{token}", said, b"{}")


def identity(account: Known, outside: Outside) -> ssl.SSLContext:
    """Trusts whom the process trusts, and shows the certificate; raises NotSentError when that cannot be read."""
    context = ssl.create_default_context()
    if outside.trust is not None:
        context.load_verify_locations(cadata=b"".join(outside.trust.get_ca_certs(binary_form=True)))
    try:
        # OpenSSL reads from files alone; nobody else may read this one, which is gone at once.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(f"{account.secrets['certificate']}\n{account.secrets['privateKey']}\n")
            file.flush()
            context.load_cert_chain(file.name)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise NotSentError("the certificate and its private key do not go together, or cannot be read") from error
    return context
