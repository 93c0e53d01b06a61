"""Whether a callback is genuine: each provider's own scheme, with every key that is live.

Each answers with what names this callback for good, or None when it is not to be believed: signed with no key of the
account's, about another body, or not of now.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import load_pem_x509_certificate

from domain.results.callbacks import FRESH_NOTIFICATION, Callback, is_fresh
from domain.results.providers import mailgun, sns
from domain.webhooks.signatures import signature


@dataclass(frozen=True, slots=True)
class Keys:
    """What an account was told, in the open and sealed; of a key that is being replaced both are there."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str]

    def every(self, *names: str) -> list[str]:
        """The keys under these names; one name may hold several, with commas."""
        found = [self.settings.get(name) or self.secrets.get(name) or "" for name in names]
        return [key.strip() for text in found for key in str(text).split(",") if key.strip()]


def stamp(headers: Mapping[str, str]) -> str:
    """When SendGrid says that it signed."""
    return headers.get("x-twilio-email-event-webhook-timestamp", "")


def sendgrid(callback: Callback, keys: Keys, now: datetime) -> str | None:
    """ECDSA with P-256 over timestamp and body; its inbound mail is signed as its events are."""
    marked = callback.headers.get("x-twilio-email-event-webhook-signature", "")
    if not _is_recent(stamp(callback.headers), now):
        return None
    known = any(_is_signed_by(key, marked, callback.digest) for key in keys.every("eventPublicKey", "inboundPublicKey"))
    # Not the mark itself: of one body there are many.
    return callback.digest.hex() if known else None


def _is_signed_by(key: str, marked: str, digest: bytes) -> bool:
    try:
        public = load_der_public_key(b64decode(key, validate=True))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(b64decode(marked, validate=True), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except (ValueError, binascii.Error, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def password(callback: Callback, keys: Keys) -> str | None:
    """HTTP Basic, whoever is named, or Bearer: for mail, which nobody signs. The same body counts once."""
    scheme, _, given = callback.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            return None
    elif scheme.lower() != "bearer":
        return None
    known = given and _is_one_of(given, keys.every("inboundSecret"))
    return callback.digest.hex() if known else None


def mailgun_(callback: Callback, keys: Keys, now: datetime) -> str | None:
    """HMAC-SHA256 over timestamp and token. It says nothing of the body, so each token counts once."""
    stamp, token, marked = mailgun.signed_fields(callback.body, callback.headers.get("content-type", ""))
    if not token or not _is_recent(stamp, now):
        return None
    wanted = [
        hmac.new(key.encode(), f"{stamp}{token}".encode(), sha256).hexdigest()
        for key in keys.every("webhookSigningKey")
    ]
    return token if _is_one_of(marked, wanted) else None


def twilio(callback: Callback, keys: Keys, form: Mapping[str, str]) -> str | None:
    """HMAC-SHA1 over the address and the sorted fields; Twilio signs no time, so what it says counts once."""
    signed = callback.url + "".join(f"{name}{form[name]}" for name in sorted(form))
    tokens = keys.every("authToken", "previousAuthToken")
    wanted = [b64encode(hmac.new(token.encode(), signed.encode(), "sha1").digest()).decode() for token in tokens]
    marked = callback.headers.get("x-twilio-signature", "")
    return _name(signed.encode()) if _is_one_of(marked, wanted) else None


def standard(callback: Callback, keys: Keys, now: datetime) -> str | None:
    """Standard Webhooks: HMAC-SHA256 over id, timestamp and body; one of several signatures is enough."""
    identifier, stamp = callback.headers.get("webhook-id", ""), callback.headers.get("webhook-timestamp", "")
    if not identifier or len(identifier) > 200 or not _is_recent(stamp, now):
        return None
    given = callback.headers.get("webhook-signature", "").split()[:20]
    for secret in keys.every("signingSecret", "previousSigningSecret"):
        try:
            wanted = signature(secret, identifier, int(stamp), callback.body)
        except (ValueError, binascii.Error):
            continue
        if any(_is_one_of(mark, [wanted]) for mark in given):
            return identifier
    return None


def amazon(given: Mapping[str, str], keys: Keys, certificate: bytes, now: datetime) -> str | None:
    """RSA over the notification's fields, by a certificate of SNS; only of the account's own topic.

    Everybody can have Amazon sign something, so a signature alone would be worth nothing.
    """
    if given["TopicArn"] not in keys.every("topicArn"):
        return None
    try:
        at = datetime.fromisoformat(given.get("Timestamp", ""))
        held = load_pem_x509_certificate(certificate)
        public = held.public_key()
        in_time = held.not_valid_before_utc <= now <= held.not_valid_after_utc
        if not isinstance(public, rsa.RSAPublicKey) or not in_time:
            return None
        algorithm = hashes.SHA256() if given.get("SignatureVersion") == "2" else hashes.SHA1()  # noqa: S303
        mark = b64decode(given.get("Signature", ""), validate=True)
        public.verify(mark, sns.signed_text(given), padding.PKCS1v15(), algorithm)
    except (ValueError, binascii.Error, InvalidSignature, UnsupportedAlgorithm):
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return given["MessageId"] if is_fresh(aware, now, FRESH_NOTIFICATION) else None


def _is_recent(stamp: str, now: datetime) -> bool:
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12:
        return False
    return is_fresh(datetime.fromtimestamp(int(stamp), UTC), now)


def _is_one_of(marked: str, wanted: Iterable[str]) -> bool:
    """In constant time, for each of them."""
    results: Sequence[bool] = [hmac.compare_digest(marked.encode(), one.encode()) for one in wanted]
    return any(results)


def _name(signed: bytes) -> str:
    return sha256(signed).hexdigest()
