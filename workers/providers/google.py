"""Access tokens of Google's service accounts: asked for by a signed JWT, kept until shortly before they end."""

import json
import time
from urllib.parse import urlencode
from uuid import UUID

import jwt

from workers.providers.calls import Caller, NotSentError, Reply, UnansweredError
from workers.providers.carrier import Known

# Whatever a service account's file says: it is given, and this is not a place to be led to.
TOKENS = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3_600
_EARLY = 120.0
_MOST = 1_000

# By account and its version, so that other credentials ask anew; with the monotonic time of its end.
_tokens: dict[tuple[UUID, int, str], tuple[str, float]] = {}


class TokenRefusedError(Exception):
    """Google gives no token; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.words)
        self.reply = reply


class ServiceAccount:
    """A service account of Google's, for one scope."""

    def __init__(self, account: Known, caller: Caller, scope: str) -> None:
        self._caller, self._scope = caller, scope
        self._told = json.loads(account.secrets["serviceAccount"])
        self._place = (account.id, account.version, scope)

    @property
    def project(self) -> str:
        return str(self._told.get("project_id", ""))

    async def headers(self) -> dict[str, str]:
        """What each call says. Raises TokenRefusedError and NotSentError: nothing was sent to whom it is for."""
        return {"authorization": f"Bearer {await self._token()}", "content-type": "application/json"}

    def forget(self) -> None:
        """Somebody refused the token before its end."""
        _tokens.pop(self._place, None)

    async def _token(self) -> str:
        token, end = _tokens.get(self._place, ("", 0.0))
        if time.monotonic() < end:
            return token
        try:
            reply = await self._caller.call(
                "POST",
                TOKENS,
                {"content-type": "application/x-www-form-urlencoded"},
                urlencode({"grant_type": _GRANT, "assertion": self._assertion()}).encode(),
            )
        except UnansweredError as error:
            # Of the message itself nothing was sent.
            raise NotSentError(str(error)) from error
        told = reply.told()
        token = str(told.get("access_token") or "")
        if not reply.ok or not token:
            raise TokenRefusedError(reply)
        if len(_tokens) > _MOST:
            _tokens.clear()
        life = told.get("expires_in")
        _tokens[self._place] = (
            token,
            time.monotonic() + (life if isinstance(life, (int, float)) else _LIFE) - _EARLY,
        )
        return token

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._told["client_email"],
            "scope": self._scope,
            "aud": TOKENS,
            "iat": now,
            "exp": now + _LIFE,
        }
        named = {"kid": str(self._told["private_key_id"])} if "private_key_id" in self._told else None
        try:
            return jwt.encode(claims, self._told["private_key"], algorithm="RS256", headers=named)
        except (ValueError, TypeError, jwt.PyJWTError) as error:
            # Not the error: it may show a part of the key.
            raise TokenRefusedError(Reply(401, {}, b"the service account's private key cannot be read")) from error
