"""Apple passes as files: a signed archive, as Apple's PassKit Package Format has it."""

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

MEDIA_TYPE = "application/vnd.apple.pkpass"
# Archives have to say when a file was made; of these nobody asks.
_THEN = (2026, 1, 1, 0, 0, 0)


class UnsignableError(Exception):
    """The account's certificate and keys cannot sign."""


def package(told: Mapping[str, Any], secrets: Mapping[str, str]) -> bytes:
    """The archive of a pass.json, signed by the account's certificate; raises UnsignableError."""
    files = {"pass.json": json.dumps(told, ensure_ascii=False).encode()}
    files |= {name: _icon(size) for name, size in (("icon.png", 29), ("icon@2x.png", 58))}
    # SHA-1 is what the format says; what is trusted is the signature over all of these.
    digests = {name: hashlib.sha1(content, usedforsecurity=False).hexdigest() for name, content in files.items()}
    manifest = json.dumps(digests).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in {**files, "manifest.json": manifest, "signature": _signed(manifest, secrets)}.items():
            file.writestr(zipfile.ZipInfo(name, _THEN), content)
    return archive.getvalue()


def _signed(manifest: bytes, secrets: Mapping[str, str]) -> bytes:
    try:
        certificate = x509.load_pem_x509_certificate(secrets["certificate"].encode())
        intermediate = x509.load_pem_x509_certificate(secrets["intermediate"].encode())
        key = load_pem_private_key(secrets["privateKey"].encode(), None)
        if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            raise ValueError("not a key that signs")
        builder = PKCS7SignatureBuilder().set_data(manifest).add_signer(certificate, key, SHA256())
        options = [PKCS7Options.DetachedSignature, PKCS7Options.Binary]
        return builder.add_certificate(intermediate).sign(Encoding.DER, options)
    except (KeyError, ValueError, TypeError) as error:
        # Not what the library says of a key.
        raise UnsignableError("the certificate and its keys cannot sign") from error


def _icon(size: int) -> bytes:
    """A plain square: a pass without any icon is refused."""
    rows = b"".join(b"\x00" + b"\x1f\x6f\x5b" * size for _ in range(size))

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
