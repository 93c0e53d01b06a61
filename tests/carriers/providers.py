"""What each provider checks of a request, and how it answers one that is right."""

import hashlib
import hmac
import json
import time
from base64 import b64decode, urlsafe_b64decode
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook, WebhookVerificationError

from tests.carriers.keys import ec_key, public_pem, rsa_key
from tests.carriers.server import Request, Response

API_KEY = "SG.canary-key-of-the-tests"
TOKEN = "canary-token-of-the-tests-000000"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SIGNING = "whsec_Y2FuYXJ5LXNlY3JldC1vZi10aGUtdGVzdHMtMzJieXRlcw=="
ACCESS = "ya29.canary-access-of-the-tests"
SID = "AC" + "1" * 32
AUTH = b"0123456789abcdef"


@dataclass
class Providers:
    """taken: what each was handed, as it understood it; tokens: how many access tokens Google gave."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0

    async def answer(self, request: Request) -> Response:
        for beginning, answer in (
            ("/v3/mail/send", self.sendgrid),
            ("/v3/scopes", self.scopes),
            ("/v3/tea.example/messages", self.mailgun),
            ("/2010-04-01/Accounts", self.twilio),
            ("/token", self.token),
            ("/v1/projects/tea/messages:send", self.fcm),
            ("/walletobjects/v1", self.wallet),
            ("/push/", self.web_push),
            ("/hook", self.webhook),
        ):
            if request.path.startswith(beginning):
                return answer(request)
        return self.sns(request)

    def sendgrid(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return _json(401, {"errors": [{"message": "The provided authorization grant is invalid"}]})
        said = json.loads(request.body)
        types = [part["type"] for part in said["content"]]
        if types not in (["text/plain", "text/html"], ["text/plain"], ["text/html"]) or not said["subject"]:
            return _json(400, {"errors": [{"message": "bad content"}]})
        self.taken.append(said)
        return Response(202, b"", {"x-message-id": "sg-1"})

    def scopes(self, request: Request) -> Response:
        known = request.headers.get("authorization") == f"Bearer {API_KEY}"
        return _json(200, {"scopes": ["mail.send"]}) if known else _json(401, {"errors": []})

    def mailgun(self, request: Request) -> Response:
        if not _basic(request, "api", API_KEY):
            return Response(401, b"Forbidden")
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        form = message_from_bytes(head + request.body, policy=policy.default)
        assert isinstance(form, EmailMessage)
        fields: dict[str, Any] = {}
        for part in form.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            assert isinstance(name, str)
            assert isinstance(content, bytes)
            fields[name] = content.decode()
        if not {"from", "to", "subject"} <= set(fields):
            return _json(400, {"message": "from parameter is missing"})
        self.taken.append(fields)
        return _json(200, {"id": "<mg-1@tea.example>", "message": "Queued. Thank you."})

    def twilio(self, request: Request) -> Response:
        if not _basic(request, SID, TOKEN):
            return _json(401, {"code": 20003, "message": "Authenticate"})
        if request.method == "GET":
            return _json(200, {"sid": SID, "status": "active"})
        form = request.form
        if not form["To"].startswith("+"):
            return _json(400, {"code": 21211, "message": "The 'To' number is not valid"})
        if form.get("From") == "+10000000000":
            return _json(400, {"code": 21606, "message": "The From number is not yours"})
        self.taken.append(form)
        return _json(201, {"sid": "SM" + "2" * 32, "status": "queued"})

    def sns(self, request: Request) -> Response:
        if not signed_by_aws(request, "AKIDEXAMPLEAKIDEX", SECRET_ACCESS_KEY, "eu-central-1", "sns"):
            return Response(403, b"<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>")
        form = request.form
        self.taken.append(form)
        if form["Action"] == "GetSMSAttributes":
            return Response(200, b"<GetSMSAttributesResponse/>")
        if form["PhoneNumber"] == "+4915100000429":
            return Response(400, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>")
        return Response(
            200, b"<PublishResponse><PublishResult><MessageId>sns-1</MessageId></PublishResult></PublishResponse>"
        )

    def token(self, request: Request) -> Response:
        form = request.form
        try:
            claims = jwt.decode(
                form["assertion"],
                public_pem(rsa_key()),
                algorithms=["RS256"],
                audience="https://oauth2.googleapis.com/token",
                issuer="tea@tea.iam.example",
            )
        except jwt.PyJWTError:
            return _json(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        assert claims["exp"] - claims["iat"] <= 3_600
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        self.tokens += 1
        return _json(200, {"access_token": ACCESS, "expires_in": 3_599, "token_type": "Bearer"})

    def fcm(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {ACCESS}":
            return _json(401, {"error": {"status": "UNAUTHENTICATED"}})
        said = json.loads(request.body)
        token = said["message"]["token"]
        if token == "nobody":
            return _fcm_error(400, "INVALID_ARGUMENT")
        if token.startswith("gone"):
            return _fcm_error(404, "UNREGISTERED")
        assert all(isinstance(value, str) for value in said["message"]["data"].values())
        self.taken.append(said["message"])
        return _json(200, {"name": f"projects/tea/messages/{len(self.taken)}"})

    def wallet(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {ACCESS}":
            return _json(401, {"error": {"status": "UNAUTHENTICATED"}})
        if request.path.endswith("/issuer"):
            return _json(200, {"resources": []})
        if "gone" in request.path:
            return _json(404, {"error": {"status": "NOT_FOUND"}})
        self.taken.append({"path": request.path, "method": request.method, **json.loads(request.body)})
        return _json(200, {"resource": {}} if request.method == "POST" else {"id": "3388.ann"})

    def web_push(self, request: Request) -> Response:
        if request.path.startswith("/push/gone"):
            return Response(410)
        if not _vapid(request):
            return Response(403, b"bad vapid")
        if request.headers["content-encoding"] != "aes128gcm" or int(request.headers["ttl"]) < 0:
            return Response(400)
        text = http_ece.decrypt(request.body, private_key=ec_key("browser"), auth_secret=AUTH, version="aes128gcm")
        self.taken.append({"topic": request.headers["topic"], **json.loads(text)})
        return Response(201, b"", {"location": f"/message/{request.headers['topic']}"})

    def webhook(self, request: Request) -> Response:
        try:
            self.taken.append(Webhook(SIGNING).verify(request.body, request.headers))
        except WebhookVerificationError:
            return Response(401)
        return Response(204)


def signed_by_aws(request: Request, access_key: str, secret: str, region: str, service: str) -> bool:
    """Whether the signature is this key's, worked out from what came as AWS writes that it does."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    stamp = request.headers["x-amz-date"]
    scope = [stamp[:8], region, service, "aws4_request"]
    if scheme != "AWS4-HMAC-SHA256" or given["Credential"] != "/".join([access_key, *scope]):
        return False
    names = given["SignedHeaders"].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    canonical = "\n".join(
        [
            request.method,
            request.path,
            "",
            *(f"{name}:{request.headers[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), given["Signature"])


def _vapid(request: Request) -> bool:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), urlsafe_b64decode(given["k"] + "=="))
    try:
        audience = f"http://{request.headers['host']}"
        claims = jwt.decode(given["t"], public, algorithms=["ES256"], audience=audience)
    except jwt.PyJWTError:
        return False
    expected = ec_key("vapid").public_key().public_numbers()
    soon = claims["exp"] <= time.time() + 86_400
    return scheme == "vapid" and public.public_numbers() == expected and soon and claims["sub"].startswith("mailto:")


def _basic(request: Request, user: str, password: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme == "Basic" and b64decode(given).decode() == f"{user}:{password}"


def _fcm_error(status: int, code: str) -> Response:
    details = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    return _json(status, {"error": {"code": status, "status": "NOT_FOUND", "details": details}})


def _json(status: int, said: dict[str, Any]) -> Response:
    return Response(status, json.dumps(said).encode(), {"content-type": "application/json"})
