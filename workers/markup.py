"""HTML as a run of tags and texts, read in one pass: what a mail's parts are checked and its text part is made by.

The parsers that inline styles and rewrite links take time that grows with the square of the nesting, and one of them
ends the process where tags nest a few thousand deep. So nothing reaches them that was not found shallow here first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from domain.refusals import Refused

MAX_DEPTH = 200
MAX_TAGS = 10_000
MAX_ATTRIBUTES = 100

# As a browser's tokenizer reads it, without ever going back: what is not closed lasts to the end.
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))|<[!?][^>]*+(?:>|\Z)|</[^a-zA-Z>][^>]*+(?:>|\Z)", re.DOTALL)
_NAME = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)")
_ATTRIBUTE = re.compile(
    r"[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"'][^\s>]*+)|(?=>)))?+", re.DOTALL
)
_END = re.compile(r"[\s/]*+>")
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
# Those that end by themselves where the next of their kind begins or what they are in ends.
_OPTIONAL = {"p": {"p"}, "li": {"li"}, "td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"}}
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "body", "center", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4"}
    | {"h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
# Addresses that lead nowhere outside the mail.
_NOWHERE = ("#", "javascript:", "data:", "cid:")
_SPACES = re.compile(r"[ \t\r\n\f\u200b\u200c\ufeff]+")


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    closes: bool
    attributes: dict[str, str]


def tokens(html: str) -> Iterator[Tag | str]:
    """Tags and the texts between them, as written; refuses INVALID for too many tags, or attributes of one."""
    at = count = 0
    while at < len(html):
        opened = html.find("<", at)
        if opened != at:
            end = len(html) if opened < 0 else opened
            yield html[at:end]
            at = end
            continue
        if comment := _COMMENT.match(html, at):
            at = comment.end()
            continue
        name = _NAME.match(html, at)
        if name is None:
            end = html.find("<", at + 1)
            end = len(html) if end < 0 else end
            yield html[at:end]
            at = end
            continue
        count += 1
        if count > MAX_TAGS:
            raise Refused("INVALID", f"A mail may have {MAX_TAGS} tags at most.")
        attributes, at = _attributes(html, name.end())
        if at < 0:
            return
        tag = Tag(name[2].lower(), bool(name[1]), attributes)
        yield tag
        if tag.name in _RAW and not tag.closes:
            end = _raw_end(html, at, tag.name)
            yield html[at:end]
            at = end


def _attributes(html: str, at: int) -> tuple[dict[str, str], int]:
    """Those from there on, and where the tag has ended; -1 if it never does."""
    found: dict[str, str] = {}
    count = 0
    while not (end := _END.match(html, at)):
        attribute = _ATTRIBUTE.match(html, at)
        if attribute is None or attribute.end() == at:
            return found, -1
        count += 1
        if count > MAX_ATTRIBUTES:
            raise Refused("INVALID", f"A tag may have {MAX_ATTRIBUTES} attributes at most.")
        found.setdefault(attribute[1].lower(), attribute[2] or attribute[3] or attribute[4] or "")
        at = attribute.end()
    return found, end.end()


def _raw_end(html: str, at: int, name: str) -> int:
    found = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, at)
    return found.start() if found else len(html)


def check_markup(html: str) -> None:
    """Refuses INVALID for tags that nest, or may nest for those who forgive more, deeper than MAX_DEPTH."""
    open_: list[str] = []
    for token in tokens(html):
        if isinstance(token, str) or token.name in _VOID:
            continue
        if token.closes:
            # One closed out of turn may stay open for a parser, so it counts on.
            while open_ and open_[-1] != token.name and open_[-1] in _OPTIONAL and token.name in _BLOCKS | {"td", "th"}:
                open_.pop()
            if open_ and open_[-1] == token.name:
                open_.pop()
            continue
        while open_ and open_[-1] in _OPTIONAL.get(token.name, ()):
            open_.pop()
        open_.append(token.name)
        if len(open_) > MAX_DEPTH:
            message = f"Tags nest deeper than {MAX_DEPTH}, or are not closed in the order in which they were opened."
            raise Refused("INVALID", message)


def plain(html: str) -> str:
    """The text of a mail for readers without HTML: lines where blocks are, and the address behind each link."""
    told: list[str] = []
    hidden = link = ""
    for token in tokens(html):
        if isinstance(token, str):
            told.append("" if hidden else _SPACES.sub(" ", unescape(token)))
        elif hidden:
            hidden = "" if token.closes and token.name == hidden else hidden
        elif token.name in _RAW and not token.closes:
            hidden = token.name
        elif token.name == "a":
            told.append(f" ({link})" if token.closes and link else "")
            address = unescape(token.attributes.get("href", ""))
            link = "" if token.closes or address.startswith(_NOWHERE) else address
        else:
            told.append(_said(token))
    return _lines("".join(told))


def _said(tag: Tag) -> str:
    """What a tag that is no link says by itself."""
    if tag.name == "img":
        return unescape(tag.attributes.get("alt", ""))
    if tag.name in ("td", "th"):
        return " "
    if tag.name in _BLOCKS:
        return "\n\n" if tag.name in ("p", "table") or tag.name[0] == "h" else "\n"
    return "\n" if tag.name == "br" else ""


def _lines(text: str) -> str:
    lines = [line.strip() for line in text.split("\n")]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join(kept).strip() + "\n"
