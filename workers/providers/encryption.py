"""Push messages encrypted for one browser: RFC 8291 in the content coding aes128gcm of RFC 8188."""

from base64 import urlsafe_b64encode
from os import urandom

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from domain.devices import decoded

RECORD = 4_096
# One record, without its tag, the delimiter, and the header of 86 bytes that push services count too.
MOST = RECORD - 16 - 1 - 86


def encrypted(
    text: bytes,
    public: bytes,
    auth: bytes,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """One record for the browser of this key and secret; raises ValueError for a text beyond MOST or a bad key.

    key and salt are new for each message, except in tests.
    """
    if len(text) > MOST:
        raise ValueError(f"{len(text)} bytes are more than the {MOST} that fit into a push message")
    key, salt = key or ec.generate_private_key(ec.SECP256R1()), salt or urandom(16)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    ours = curve_point(key.public_key())
    shared = key.exchange(ec.ECDH(), theirs)
    secret = HKDF(SHA256(), 32, auth, b"WebPush: info\x00" + public + ours).derive(shared)
    content_key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
    # The delimiter of the last record, and no padding.
    sealed = AESGCM(content_key).encrypt(nonce, text + b"\x02", None)
    return salt + RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours + sealed


def curve_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def vapid_key(text: str) -> ec.EllipticCurvePrivateKey:
    """A private key of P-256 from PEM or from 32 bytes in base64url; raises ValueError."""
    if "-----BEGIN" in text:
        key = load_pem_private_key(text.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("not a key of P-256")
        return key
    return ec.derive_private_key(int.from_bytes(decoded(text), "big"), ec.SECP256R1())
