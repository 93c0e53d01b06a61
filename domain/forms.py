"""Bodies of multipart forms (RFC 7578), split without a look into their parts: a file in one may be anybody's."""

import re
from dataclasses import dataclass

MOST = 1_000
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(rb'(?:^|[;\s])name=(?:"([^"\r\n]*)"|([^\s;"]+))', re.IGNORECASE)
_FILE = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form, or a file in it."""

    name: str
    content: bytes
    is_file: bool = False


def is_multipart(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def parts(body: bytes, content_type: str) -> list[Part]:
    """At most MOST of them, in their order; the last one as far as it goes. Raises ValueError for what is no form."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise ValueError("a multipart form names its boundary")
    mark = b"\r\n--" + (boundary[1] or boundary[2]).encode()
    pieces = (b"\r\n" + body).split(mark, MOST + 1)
    if len(pieces) < 2:
        raise ValueError("the boundary separates nothing")
    found = []
    for piece in pieces[1 : MOST + 1]:
        if piece.startswith(b"--"):
            break
        part = _part(piece)
        if part is not None:
            found.append(part)
    return found


def _part(piece: bytes) -> Part | None:
    head, ends, content = piece.partition(b"\r\n\r\n")
    disposition = _DISPOSITION.search(head) if ends else None
    name = disposition and _NAME.search(disposition[1])
    if not disposition or not name:
        return None
    spelled = name[1] if name[1] is not None else name[2]
    return Part(spelled.decode(errors="replace"), content, bool(_FILE.search(disposition[1])))
