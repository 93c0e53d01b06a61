"""The demo's topics, and templates that nobody has made their own yet."""

from uuid import UUID

from app.demo.history import ACTOR
from app.demo.ids import demo_id
from db.database import Transaction
from db.templates import create_template
from db.topics import create_topic
from domain.consents import Channel
from domain.starting_points import STARTING_POINTS
from domain.topics import DefaultRule, Topic

TOPICS = (
    Topic(
        "marketing",
        "News and offers",
        "What is new on our shelves, at most once a week.",
        DefaultRule.OPT_OUT,
        (Channel.EMAIL, Channel.SMS),
    ),
    Topic("events", "Evenings in the shop", "Tastings and talks near you.", double_opt_in=True),
)


async def offer_topics(tx: Transaction, brand_id: UUID, slug: str) -> None:
    """What customers of the brand choose among, and a template of each starting point."""
    for topic in TOPICS:
        await create_topic(tx, demo_id("topic", f"{slug} {topic.key}"), brand_id, topic.check())
    for point in STARTING_POINTS.values():
        await create_template(
            tx,
            demo_id("template", f"{slug} {point.key}"),
            brand_id=brand_id,
            name=point.name,
            channel=point.channel,
            content=point.content,
            actor=ACTOR,
        )
