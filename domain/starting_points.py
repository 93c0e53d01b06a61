"""Starting points of templates: what shops often say, to be made their own.

Source: requirements R3: mails of welcome, birthday, progress, reward, re-engagement and promotion; short text messages;
updates of wallet passes.
"""

from dataclasses import dataclass

from domain.consents import Channel
from domain.templates import Content

_HELLO = "{{ customer.first_name | default: 'there' }}"

_STYLE = """
body { margin: 0; background: #f4f4f5; font-family: Arial, Helvetica, sans-serif; color: #18181b }
.card { max-width: 560px; margin: 0 auto; padding: 32px; background: #ffffff }
h1 { font-size: 24px; line-height: 1.3; margin: 0 0 16px }
p { font-size: 16px; line-height: 1.5; margin: 0 0 16px }
.button { display: inline-block; padding: 12px 24px; background: #1d4ed8; color: #ffffff; text-decoration: none }
.foot { font-size: 12px; color: #52525b; text-align: center; padding: 16px }
@media (max-width: 600px) { .card { padding: 20px } }
""".strip()


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """key: what templateCreate(from:) names; kind: what it is for, e.g. `welcome`."""

    key: str
    kind: str
    name: str
    description: str
    channel: Channel
    content: Content


def _mail(title: str, *paragraphs: str, foot: bool = True) -> str:
    footer = (
        '<p class="foot">{{ brand.name }} · <a href="{{ links.preferences }}">What I want to hear</a> · '
        '<a href="{{ links.unsubscribe }}">Unsubscribe</a></p>'
    )
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        f'<style>{_STYLE}</style></head>\n<body>\n<div class="card">\n<h1>{title}</h1>\n{body}\n'
        f"</div>\n{footer if foot else ''}\n</body>\n</html>\n"
    )


def _email(kind: str, name: str, description: str, subject: str, preheader: str, *paragraphs: str) -> StartingPoint:
    content = Content(subject, _mail(subject, *paragraphs), preheader=preheader)
    return StartingPoint(f"{kind}-email", kind, name, description, Channel.EMAIL, content)


def _sms(kind: str, name: str, description: str, text: str) -> StartingPoint:
    return StartingPoint(f"{kind}-sms", kind, name, description, Channel.SMS, Content(text=text))


def _card(channel: Channel, kind: str, name: str, description: str, header: str, body: str) -> StartingPoint:
    key = f"{kind}-{channel.lower()}"
    return StartingPoint(key, kind, name, description, channel, Content(header, text=body))


_ALL = (
    _email(
        "welcome",
        "Welcome",
        "For new customers.",
        f"Welcome, {_HELLO}",
        "Good to have you with us.",
        "thank you for joining {{ brand.name }}. From now on you hear first what is new.",
        "If you have a question, just answer this mail.",
    ),
    _email(
        "birthday",
        "Birthday",
        "A present on the day.",
        f"Happy birthday, {_HELLO}!",
        "A little something is waiting for you.",
        "all of us at {{ brand.name }} wish you a happy birthday.",
        "Show this mail on your next visit: the present is on us.",
    ),
    _email(
        "progress",
        "Progress",
        "How far somebody has come in a loyalty programme.",
        f"{_HELLO}, you are getting closer",
        "{{ metrics.order_count }} orders so far.",
        "you have ordered {{ metrics.order_count }} times by now. Thank you!",
        "A few more, and your reward is ready.",
    ),
    _email(
        "reward",
        "Reward",
        "A reward that was reached.",
        f"You did it, {_HELLO}: your reward is ready",
        "It is yours on your next visit.",
        "your reward is ready. Tell us on your next visit, and it is yours.",
    ),
    _email(
        "re-engagement",
        "Re-engagement",
        "For those who have not come for a while.",
        f"{_HELLO}, it has been a while",
        "We would like to see you again.",
        "your last order was on {{ metrics.last_order_at | date: '%d %B %Y' | default: 'a day long past' }}.",
        "We have kept something for you. Come by and see.",
    ),
    _email(
        "promotion",
        "Promotion",
        "An offer.",
        "New at {{ brand.name }}, and yours first",
        "Only for those who asked to hear it.",
        f"hello {_HELLO},",
        "say here what the offer is, until when it holds, and where it is to be had.",
    ),
    _sms(
        "reward",
        "Reward, short",
        "A reward, in one segment.",
        "{{ brand.name }}: your reward is ready. Reply STOP to end",
    ),
    _sms(
        "expiry",
        "Expiry reminder",
        "Something that ends soon.",
        "{{ brand.name }}: your offer ends today. Come by before we close. Reply STOP to end",
    ),
    _sms(
        "birthday",
        "Birthday wish",
        "A wish and an offer.",
        f"{{{{ brand.name }}}}: happy birthday, {_HELLO}! A present waits for you. Reply STOP to end",
    ),
    _sms(
        "loyalty",
        "Loyalty update",
        "How far somebody has come.",
        "{{ brand.name }}: {{ metrics.order_count }} orders so far, thank you! Reply STOP to end",
    ),
    _card(Channel.PUSH, "reward", "Reward, push", "A reward.", "Your reward is ready", "Tap to see what it is."),
    _card(
        Channel.PUSH,
        "re-engagement",
        "Re-engagement, push",
        "For those who have not come for a while.",
        "It has been a while",
        f"{_HELLO}, we have kept something for you.",
    ),
    _card(
        Channel.WALLET,
        "progress",
        "Progress, pass",
        "How far somebody has come.",
        "You are getting closer",
        "{{ metrics.order_count }} orders so far.",
    ),
    _card(Channel.WALLET, "reward", "Reward, pass", "A reward.", "Your reward is ready", "Show this pass at the till."),
    _card(
        Channel.WALLET,
        "birthday",
        "Birthday, pass",
        "A present on the day.",
        "Happy birthday!",
        "A present waits for you at {{ brand.name }}.",
    ),
    _card(
        Channel.WALLET, "promotion", "Promotion, pass", "An offer.", "New at {{ brand.name }}", "Say here what it is."
    ),
    StartingPoint(
        "event-webhook",
        "event",
        "Event for another system",
        "What another system is told of a customer.",
        Channel.WEBHOOK,
        Content(data={"customer": "{{ customer.external_id }}", "email": "{{ customer.email }}"}),
    ),
)
STARTING_POINTS = {point.key: point for point in _ALL}

# What asks the owner of an address to confirm; the brand's template is made from it when it is first needed.
CONFIRMATIONS = {
    Channel.EMAIL: StartingPoint(
        "confirm-email",
        "confirm",
        "Confirm a subscription by mail",
        "Double opt-in.",
        Channel.EMAIL,
        Content(
            "Please confirm that you want to hear from {{ brand.name }}",
            _mail(
                "One more step",
                f"hello {_HELLO},",
                "somebody, most likely you, asked us to write to this address. Please confirm that you want it:",
                '<a class="button" href="{{ links.confirm }}">Yes, write to me</a>',
                "If it was not you, do nothing: you get no more mail.",
                foot=False,
            ),
        ),
    ),
    Channel.SMS: StartingPoint(
        "confirm-sms",
        "confirm",
        "Confirm a subscription by text",
        "Double opt-in.",
        Channel.SMS,
        Content(text="{{ brand.name }}: confirm that you want our texts: {{ links.confirm }}"),
    ),
}
