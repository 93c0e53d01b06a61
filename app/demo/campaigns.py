"""The demo's templates, and three campaigns that wait for somebody to send them; one of them compares two texts."""

from datetime import timedelta
from uuid import UUID

from app.demo.history import ACTOR
from app.demo.ids import demo_id
from app.demo.segments import FRIENDS, NEWSLETTER, segment_id
from db.campaigns import Draft, create_campaign
from db.database import Transaction
from db.experiments.designs import keep_design, keep_variants
from db.templates import create_template
from domain.campaigns import Audience, ChannelContent
from domain.consents import Channel
from domain.experiments.design import Design, Fallback, Mode, Variant
from domain.experiments.verdict import Metric
from domain.messages import DeliveryPolicy
from domain.templates import Content

TEMPLATES = {
    "We miss you": Content(
        "{{ customer.first_name | default: 'Hello' }}, it has been a while",
        html=(
            "<p>Dear {{ customer.first_name | default: 'friend of the house' }},</p>"
            "<p>your last order was on {{ metrics.last_order_at | date: '%d %B %Y' }}. "
            "The first cup of tea is on us when you come by.</p><p>{{ brand.name }}</p>"
        ),
        text=(
            "Dear {{ customer.first_name | default: 'friend of the house' }},\n\n"
            "your last order was on {{ metrics.last_order_at | date: '%d %B %Y' }}. "
            "The first cup of tea is on us when you come by.\n\n{{ brand.name }}\n"
        ),
    ),
    "First to know": Content(
        "New on our shelves, and you are the first to know",
        text=(
            "Hello{% if customer.first_name %} {{ customer.first_name }}{% endif %},\n\n"
            "you asked to hear from us first: the new things are here.\n\n{{ brand.name }}\n"
        ),
    ),
    "First to know, as a question": Content(
        "{{ customer.first_name | default: 'Hello' }}, would you like to see them first?",
        text=(
            "Hello{% if customer.first_name %} {{ customer.first_name }}{% endif %},\n\n"
            "would you like to see what is new before anybody else does?\n\n{{ brand.name }}\n"
        ),
    ),
}
TEST = Design(Mode.TEST_THEN_WINNER, 0.05, 0.4, timedelta(hours=4), Metric.CLICKS, Fallback.KEEP_CONTROL)


async def draft_campaigns(tx: Transaction, brand_id: UUID) -> None:
    """Makes templates and drafts of one brand; nothing is sent."""
    for name, content in TEMPLATES.items():
        await create_template(
            tx,
            demo_id("template", name),
            brand_id=brand_id,
            name=name,
            channel=Channel.EMAIL,
            content=content,
            actor=ACTOR,
        )
    await _draft(tx, "Autumn win-back", "We miss you", Audience(brand_id, (segment_id("win-back"),)))
    await _draft(tx, "New things for our friends", "First to know", Audience(brand_id, (segment_id(FRIENDS),)))
    compared = "New things, told or asked"
    await _draft(tx, compared, "First to know", Audience(brand_id, (segment_id(NEWSLETTER),)))
    texts = {"Told": "First to know", "Asked": "First to know, as a question"}
    variants = [
        Variant(name, 1, name == "Told", (ChannelContent(Channel.EMAIL, demo_id("template", template)),))
        for name, template in texts.items()
    ]
    await keep_variants(tx, demo_id("campaign", compared), variants)
    await keep_design(tx, demo_id("campaign", compared), TEST, str(demo_id("salt", compared)))


async def _draft(tx: Transaction, name: str, template: str, audience: Audience) -> None:
    draft = Draft(name, None, demo_id("template", template), audience.check(), DeliveryPolicy.HOLD)
    await create_campaign(tx, demo_id("campaign", name), draft)
