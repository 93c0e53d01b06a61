"""Callbacks as the providers would sign them, by other code than what checks them."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from standardwebhooks.webhooks import Webhook

from db.vault import PROVIDERS, Vault
from domain.ids import new_id
from tests.campaigns import Shop

VAULT = Vault([b"a key of the tests of callbacks ...."])
BASE = "https://mail.example"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:wayfare"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"


@dataclass(frozen=True)
class Post:
    """A request as it goes over the wire."""

    body: bytes
    headers: dict[str, str]


async def account(
    shop: Shop, kind: str, settings: Mapping[str, str], secrets: Mapping[str, str], vault: Vault | None = None
) -> str:
    """Stores a provider account; the path that its callbacks go to."""
    account_id = new_id()
    sealed = (vault or VAULT.of(PROVIDERS)).seal(shop.organization, account_id, json.dumps(dict(secrets)))
    channel = {"SMTP": "EMAIL", "SENDGRID": "EMAIL", "MAILGUN": "EMAIL", "WEBHOOK": "WEBHOOK"}.get(kind, "SMS")
    await shop.rows(
        "insert into provider_account (organization_id, id, channel, kind, name, settings, secret, secret_names, "
        "key_id, state) values (:organization, :id, :channel, :kind, :name, :settings, :secret, :names, 'k', "
        "'DISABLED')",
        id=account_id,
        channel=channel,
        kind=kind,
        name=str(account_id),
        settings=dict(settings),
        secret=sealed,
        names=sorted(secrets),
    )
    return f"/callbacks/{shop.organization}/{account_id}"


def stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


class SendGrid:
    kind = "SENDGRID"

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        encoded = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public = b64encode(encoded).decode()
        self.settings, self.secrets = {"eventPublicKey": self.public}, {"apiKey": "SG.x"}

    def post(self, events: Sequence[Mapping[str, Any]], at: datetime | None = None) -> Post:
        return self.signed(json.dumps(list(events)).encode(), at)

    def signed(self, body: bytes, at: datetime | None = None) -> Post:
        when = stamp(at or datetime.now(UTC))
        mark = b64encode(self._key.sign(when.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        return Post(
            body,
            {
                "content-type": "application/json",
                "x-twilio-email-event-webhook-signature": mark,
                "x-twilio-email-event-webhook-timestamp": when,
            },
        )

    def told(self, message: UUID, at: datetime | None = None) -> Post:
        event = {
            "event": "delivered",
            "sg_event_id": "e1",
            "timestamp": 1_777_888_999,
            "wayfare_message_id": str(message),
            "email": "ann@x.example",
        }
        return self.post([event], at)


class Mailgun:
    kind = "MAILGUN"

    def __init__(self) -> None:
        self.key = new_id().hex
        self.settings, self.secrets = {"domain": "mg.example"}, {"webhookSigningKey": self.key}

    def signature(self, at: datetime | None = None) -> dict[str, str]:
        when, token = stamp(at or datetime.now(UTC)), new_id().hex
        mark = hmac.new(self.key.encode(), (when + token).encode(), hashlib.sha256).hexdigest()
        return {"timestamp": when, "token": token, "signature": mark}

    def told(self, message: UUID, at: datetime | None = None) -> Post:
        event = {
            "event": "delivered",
            "id": "m1",
            "timestamp": 1_777_888_999.5,
            "user-variables": {"wayfare-message-id": str(message)},
        }
        body = json.dumps({"signature": self.signature(at), "event-data": event}).encode()
        return Post(body, {"content-type": "application/json"})

    def inbound(self, **fields: str) -> Post:
        return Post(
            urlencode(self.signature() | fields).encode(), {"content-type": "application/x-www-form-urlencoded"}
        )


class Twilio:
    kind = "TWILIO"

    def __init__(self, token: str | None = None) -> None:
        self.token = token or new_id().hex
        self.settings, self.secrets = {"accountSid": "AC1"}, {"authToken": self.token}

    def post(self, url: str, fields: Mapping[str, str]) -> Post:
        signed = url + "".join(name + value for name, value in sorted(fields.items()))
        mark = b64encode(hmac.new(self.token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": mark}
        return Post(urlencode(fields).encode(), headers)


class Standard:
    kind = "WEBHOOK"

    def __init__(self) -> None:
        self.secret = "whsec_" + b64encode(new_id().bytes * 2).decode()
        self.settings, self.secrets = {"url": "https://shop.example"}, {"signingSecret": self.secret}

    def post(self, said: Mapping[str, Any], at: datetime | None = None, identifier: str = "msg_1") -> Post:
        body, when = json.dumps(dict(said)), at or datetime.now(UTC)
        return Post(
            body.encode(),
            {
                "content-type": "application/json",
                "webhook-id": identifier,
                "webhook-timestamp": stamp(when),
                "webhook-signature": Webhook(self.secret).sign(identifier, when, body),
            },
        )

    def told(self, message: UUID, at: datetime | None = None) -> Post:
        return self.post({"type": "message.delivered", "messageId": f"msg_{message.hex}"}, at)


class Amazon:
    kind = "SNS"

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(name, name, self._key.public_key(), 1, now - timedelta(1), now + timedelta(9))
        ).sign(self._key, hashes.SHA256())
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)
        self.settings, self.secrets = {"region": "eu-central-1", "topicArn": TOPIC}, {"secretAccessKey": "x"}

    def post(self, message: str, at: datetime | None = None, **fields: str) -> Post:
        said = {
            "Type": "Notification",
            "MessageId": new_id().hex,
            "TopicArn": TOPIC,
            "Message": message,
            "Timestamp": (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE,
        } | fields
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        if said["Type"] == "Notification":
            names = [name for name in names if name not in ("SubscribeURL", "Token")]
        signed = "".join(f"{name}\n{said[name]}\n" for name in names if name in said).encode()
        said["Signature"] = b64encode(self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())).decode()
        return Post(json.dumps(said).encode(), {"content-type": "text/plain; charset=UTF-8"})

    def told(self, message: UUID, at: datetime | None = None) -> Post:
        mail = {"messageId": "0100", "headers": [{"name": "Message-ID", "value": f"<{message}@tea.example>"}]}
        event = {"eventType": "Delivery", "mail": mail, "delivery": {"timestamp": "2026-05-04T10:00:05.000Z"}}
        return self.post(json.dumps(event), at)
