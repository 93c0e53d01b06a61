"""Manifests of trusted documents, as the Relay compiler and Apollo's generator write them."""

import hashlib
import re
from typing import Any

from graphql import GraphQLError

from db.documents import TrustedDocument
from schema.documents import read_document

_SHA256 = re.compile(r"(sha256:)?([0-9a-f]{64})")


class ManifestError(Exception):
    """What is wrong with a manifest, for whoever wrote it."""


def documents_of(manifest: Any) -> list[TrustedDocument]:
    """The documents under the ids that clients will send; raises ManifestError, naming all that cannot run."""
    if isinstance(manifest, dict) and isinstance(manifest.get("operations"), list):
        given = [(one.get("id"), one.get("body"), one.get("name")) for one in manifest["operations"]]
    elif isinstance(manifest, dict):
        given = [(key, text, None) for key, text in manifest.items()]
    else:
        raise ManifestError("A manifest is an object: {id: text}, or Apollo's with `operations`.")
    wrong = [f"{name or key}: {reason}" for key, text, name in given if (reason := _wrong(key, text))]
    if wrong:
        raise ManifestError("\n".join(wrong))
    found = [TrustedDocument(key, text, name) for id_, text, name in given for key in _ids(id_, text)]
    return list({document.id: document for document in found}.values())


def _ids(given: str, text: str) -> list[str]:
    """sha256:<digest> always; an id of another kind, such as Relay's md5, besides."""
    own = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return [own] if _SHA256.fullmatch(given) else [own, given]


def _wrong(key: Any, text: Any) -> str | None:
    if not isinstance(key, str) or not isinstance(text, str) or not 0 < len(key) <= 255:
        return "an id of 1 to 255 characters and a text are needed"
    digest = _SHA256.fullmatch(key)
    if digest and digest[2] != hashlib.sha256(text.encode()).hexdigest():
        return "its id is the SHA-256 of another text"
    try:
        errors = read_document(text).errors
    except GraphQLError as error:
        return error.message
    return errors[0].message if errors else None
