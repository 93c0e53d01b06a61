"""Public pages in every language: all of their texts are there, and each page is sound HTML for people and machines."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from starlette.responses import Response

from app.public import choosing, pages
from app.public.texts import DEFAULT, Html, Texts, every, texts
from db.contacts import Choice
from domain.consents import Channel
from domain.locales import accepted

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt")
GAP = re.compile(r"\{(\w+)\}")
EVIL = '<b>"Tea" & שוקו</b>{topic}'
BRAND = f"{EVIL} brand"
TOPIC = f"{EVIL} topic"
VOID = ("meta", "input", "br")


def shown(say: Texts) -> dict[str, Response]:
    """Every page that there is."""
    choices = [
        Choice(f"t{n}", TOPIC, EVIL if n else None, channel, wanted=n == 0, pending=n == 1)
        for n in range(3)
        for channel in Channel
    ]
    return {
        "asking": pages.asking(say, BRAND, TOPIC, "../preferences/x.y"),
        "unsubscribed": pages.unsubscribed(say, BRAND, TOPIC, "../preferences/x.y"),
        "confirming": pages.confirming(say, BRAND, TOPIC),
        "confirmed": pages.confirmed(say, BRAND, TOPIC),
        "nothing": choosing.preferences(say, BRAND, [], None, saved=False, suppressed=[]),
        "preferences": choosing.preferences(
            say, BRAND, choices, "SMS", saved=True, suppressed=[Channel.EMAIL, Channel.SMS]
        ),
        **{why: pages.refusal(say, 400, why) for why in ("unclear", "unknown", "gone", "busy")},
    }


class Reader(HTMLParser):
    """What a screen reader would go by; elements must end in the order they began."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.unlabelled = 0
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "input" and given["type"] in ("checkbox", "radio") and "label" not in self.open:
            self.unlabelled += 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self.open:
            self.text[tag] = self.text.get(tag, "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.elements if name == tag]


def test_every_language_says_everything() -> None:
    assert tuple(every()) == LANGUAGES
    default = every()[DEFAULT].said
    for language, say in every().items():
        assert set(say.said) == set(default), language
        assert say.dir in ("ltr", "rtl")
        for key, text in say.said.items():
            assert text.strip() == text, (language, key)
            assert len(text) > 1, (language, key)
            assert sorted(GAP.findall(text)) == sorted(GAP.findall(default[key])), (language, key)
            assert not re.search(r"[<>\x00-\x1f]", text), (language, key)


def test_nothing_is_left_in_english() -> None:
    default = every()[DEFAULT].said
    for language in LANGUAGES:
        same = {key for key, text in every()[language].said.items() if text == default[key]}
        assert language == DEFAULT or same <= {"channel.EMAIL"}, (language, same)


def test_every_text_is_said_somewhere() -> None:
    said = "".join(bytes(page.body).decode() for page in shown(every()["en"]).values())
    for key, text in every()["en"].said.items():
        if key != "name":
            assert max(GAP.split(text)[::2], key=len) in said, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_sound_and_say_what_language_they_are_in(language: str) -> None:
    for name, page in shown(every()[language]).items():
        html = bytes(page.body).decode()
        read = Reader(html)
        assert read.all("html") == [{"lang": language, "dir": "ltr"}], name
        assert page.headers["content-language"] == language
        assert len(read.all("h1")) == len(read.all("title")) == len(read.all("main")) == 1
        assert read.text["h1"] == read.text["title"]
        assert read.unlabelled == 0
        assert len(read.all("fieldset")) == len(read.all("legend"))
        assert read.all("b") == read.all("script") == read.all("img") == []
        assert all("style" not in given and not any(n.startswith("on") for n in given) for _, given in read.elements)
        policy = page.headers["content-security-policy"]
        style = b64encode(sha256(read.text["style"].encode()).digest()).decode()
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        # What a brand wrote is told apart, in whichever direction it is written, and never a text of ours.
        assert html.count("{topic}") == html.count("שוקו&lt;/b&gt;{topic}")
        assert not GAP.search(html.replace("{topic}", "").partition("</style>")[2])


def test_a_language_that_is_written_from_the_right_is() -> None:
    say = Texts("he", "rtl", every()["en"].said)
    for page in shown(say).values():
        html = bytes(page.body).decode()
        assert '<html lang="he" dir="rtl">' in html
        assert not re.search(
            r"(margin|padding|border)-(left|right)|text-align: *(left|right)|float: *(left|right)", html
        )


def test_values_are_never_texts() -> None:
    say = Texts("xx", "ltr", {"a": "{brand} & {topic}"})
    assert say.html("a", brand="{topic}", topic="<i>") == "<bdi>{topic}</bdi> &amp; <bdi>&lt;i&gt;</bdi>"
    assert say.html("a", brand=Html("<i>x</i>"), topic="y") == "<i>x</i> &amp; <bdi>y</bdi>"
    assert say.plain("a", brand="{topic}", topic="<i>") == "{topic} & <i>"


@pytest.mark.parametrize(
    ("locale", "header", "language"),
    [
        ("de-AT", "fr", "de"),
        ("DE_at", None, "de"),
        ("sv", "fr-CH, fr;q=0.9", "fr"),
        (None, "sv, it;q=0.5, nl;q=0.8", "nl"),
        (None, "es;q=0, pt-BR;q=0.1", "pt"),
        (None, "*", "en"),
        ("", "", "en"),
        (None, None, "en"),
        ("x" * 10_000, ",".join(["sv"] * 10_000) + ", de", "en"),
        ("../de", "de;q=x, ;;q=1, =, fr;q=1.000", "fr"),
    ],
)
def test_the_customers_language_comes_first_then_the_browsers(
    locale: str | None, header: str | None, language: str
) -> None:
    assert texts(locale, header).language == language


def test_languages_are_accepted_in_their_order() -> None:
    assert accepted("da, en-gb;q=0.8, en;q=0.7, fr;q=0.8") == ["da", "en-gb", "fr", "en"]
    assert accepted(None) == accepted(";q=1") == accepted("de;q=2") == []
