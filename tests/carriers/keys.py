"""Keys of the tests: made anew for each run, so that none is ever worth anything."""

import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(_name: str = "") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: Key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def service_account() -> str:
    told = {
        "type": "service_account",
        "project_id": "tea",
        "private_key_id": "k1",
        "client_email": "tea@tea.iam.example",
        "private_key": pem(rsa_key()),
        # A file that leads elsewhere is not followed.
        "token_uri": "http://169.254.169.254/token",
    }
    return json.dumps(told)


@dataclass(frozen=True)
class Authority:
    """A certificate for 127.0.0.1 and localhost that is its own authority."""

    certificate: str
    key: str

    def serving(self, *protocols: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "both.pem"
            file.write_text(self.certificate + self.key)
            context.load_cert_chain(file)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate)


@cache
def authority(common_name: str = "127.0.0.1") -> Authority:
    key = ec_key(common_name)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return Authority(made.public_bytes(Encoding.PEM).decode(), pem(key))
