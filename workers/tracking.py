"""Links and pixels of ours put into the HTML of mails, so that opening and following them is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from selectolax.lexbor import LexborHTMLParser

from db.campaigns.contents import contents_of
from db.database import Transaction
from db.results.links import store_links
from db.results.settings import messaging_setting
from domain.consents import Channel
from domain.links import Place
from domain.results.tracking import Trace, can_be_tracked, click_path, pixel_path
from domain.templates import Content, Localized

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
        cls, tx: Transaction, place: Place | None, template_id: UUID, version: int, sources: Iterable[str]
    ) -> "Tracking | None":
        """Stores the links of the version's HTML, as its author wrote it; None where nothing is to be followed.

        place: where links of ours point; sources: the HTML in each language. What a recipient's data are part of
        differs from mail to mail, so it is left as it is.
        """
        setting = await messaging_setting(tx)
        if place is None or not (setting.track_opens or setting.track_clicks):
            return None
        found = {url for html in sources for url in addresses(html, place.base)} if setting.track_clicks else set()
        links = await store_links(tx, template_id, version, found)
        return cls(tx.organization_id, place.base.rstrip("/"), place.secrets[0], setting.track_opens, links)

    @classmethod
    async def of(
        cls, tx: Transaction, campaign_id: UUID, variant: int, said: Localized, place: Place | None
    ) -> "Tracking | None":
        """Of what a variant of a campaign says by e-mail; see `read`."""
        pinned = await contents_of(tx, campaign_id)
        for one in pinned:
            if (one.variant, one.channel) == (variant, Channel.EMAIL):
                contents = [said.default, *said.translations.values()]
                sources = [content.html for content in contents if content.html is not None]
                return await cls.read(tx, place, one.template_id, one.template_version, sources)
        return None


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
