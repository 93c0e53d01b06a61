"""Links and pixels of ours put into the HTML of mails, so that opening and following them is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from selectolax.lexbor import LexborHTMLParser

from db.database import Transaction
from db.results.links import store_links
from db.results.settings import messaging_setting
from domain.results.tracking import Trace, can_be_tracked, click_path, pixel_path
from domain.templates import Content

_LINKS = "a[href], area[href]"
_PIXEL = '<img src="{}" width="1" height="1" alt="" style="border:0;width:1px;height:1px">'


@dataclass(frozen=True, slots=True)
class Tracking:
    """How messages of one template's version are followed: where our links point, and which links are stored."""

    organization_id: UUID
    base: str
    secret: bytes
    opens: bool = True
    links: Mapping[str, UUID] = field(default_factory=dict)

    @classmethod
    async def read(
        cls, tx: Transaction, template_id: UUID, version: int, html: str | None, base: str | None, secret: bytes
    ) -> "Tracking | None":
        """Stores the links of the version's HTML, as its author wrote it; None where nothing is to be followed.

        base: PUBLIC_URL. What a recipient's data are part of differs from mail to mail, so it is left as it is.
        """
        setting = await messaging_setting(tx)
        if html is None or base is None or not (setting.track_opens or setting.track_clicks):
            return None
        found = addresses(html, base) if setting.track_clicks else set()
        links = await store_links(tx, template_id, version, found)
        return cls(tx.organization_id, base.rstrip("/"), secret, setting.track_opens, links)


def addresses(html: str, base: str) -> set[str]:
    """Where the links lead that can be followed; ours, such as unsubscribing, are left alone."""
    ours = base.rstrip("/") + "/"
    found = (node.attributes.get("href") or "" for node in _parsed(html).css(_LINKS))
    return {url for url in found if can_be_tracked(url) and not url.startswith(ours)}


def tracked(content: Content, message_id: UUID, tracking: Tracking | None) -> Content:
    """The content of one message with its own links and pixel; the text part stays as it is."""
    if tracking is None or content.html is None:
        return content
    html = content.html
    if tracking.links:
        parsed = _parsed(html)
        for node in parsed.css(_LINKS):
            link_id = tracking.links.get(node.attributes.get("href") or "")
            if link_id is not None:
                trace = Trace(tracking.organization_id, message_id, link_id)
                node.attrs["href"] = tracking.base + click_path(tracking.secret, trace)
        html = parsed.html or html
    if tracking.opens:
        pixel = tracking.base + pixel_path(tracking.secret, Trace(tracking.organization_id, message_id))
        html = _at_end(html, _PIXEL.format(pixel))
    return replace(content, html=html)


def _parsed(html: str) -> LexborHTMLParser:
    """As a whole document or as the part of one that it is, so that nothing is put around it."""
    beginning = html[:2000].lower()
    whole = any(mark in beginning for mark in ("<!doctype", "<html", "<head", "<body"))
    return LexborHTMLParser(html) if whole else LexborHTMLParser(html, is_fragment=True)


def _at_end(html: str, pixel: str) -> str:
    at = html.lower().rfind("</body>")
    return html + pixel if at < 0 else html[:at] + pixel + html[at:]
