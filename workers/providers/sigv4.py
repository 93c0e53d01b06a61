"""AWS Signature Version 4 of a POST, as AWS documents it and its test suite has it."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Whose signature, and where it is good."""

    access_key_id: str
    secret_access_key: str
    region: str
    service: str

    def signed(self, url: str, headers: Mapping[str, str], body: bytes, at: datetime) -> dict[str, str]:
        """The headers of a POST to a path without a query, all of them signed; `at`: UTC."""
        parts = urlsplit(url)
        said = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
        said |= {"host": parts.netloc, "x-amz-date": f"{at:%Y%m%dT%H%M%SZ}"}
        names = ";".join(sorted(said))
        lines = "".join(f"{name}:{said[name]}\n" for name in sorted(said))
        request = f"POST\n{parts.path or '/'}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{at:%Y%m%d}/{self.region}/{self.service}/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{said['x-amz-date']}\n{scope}\n{digest}"
        key = f"AWS4{self.secret_access_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self.access_key_id}/{scope}"
        said["authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return said
