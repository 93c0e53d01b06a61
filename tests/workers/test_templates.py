"""Rendering: what a template can say, and that none can harm the worker or another recipient."""

import resource
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.refusals import Refused
from domain.templates import NAMES, Content, spelled
from workers.templates import check, render

CHECKOUT = Path(__file__).parents[2]

KNOWN: dict[str, dict[str, Any]] = {
    "customer": {"name": "Ann Lee", "first_name": "Ann", "email": "ann@example.org"},
    "metrics": {
        "lifetime_value": Decimal("12.50"),
        "order_count": 2,
        "last_order_at": datetime(2026, 3, 1, tzinfo=UTC),
    },
    "brand": {"name": "Tea & Co"},
}


def rendered(html: str, **customer: Any) -> str | None:
    values = {group: spelled(group, KNOWN.get(group, {})) for group in NAMES}
    values["customer"] |= customer
    check(Content("s", html=html))
    return render(Content("s", html=html), values).html


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ customer.name }} of {{ brand.name }}", "Ann Lee of Tea &amp; Co"),
        ("{{ customer.firstName }}", "Ann"),
        ("{{ customer.city | default: 'somewhere' }}", "somewhere"),
        ("{{ customer.city }}", ""),
        ("{{ metrics.lifetime_value }} {{ metrics.lifetimeValue | round }}", "12.50 13"),
        ("{{ metrics.last_order_at | date: '%d %B %Y' }}", "01 March 2026"),
        ("[{{ metrics.first_order_at | date: '%Y' }}]", "[]"),
        ("{% if metrics.lifetime_value > 12.4 %}yes{% else %}no{% endif %}", "yes"),
        ("{% case customer.city %}{% when 'Bonn' %}B{% else %}-{% endcase %}", "-"),
        ("<b>@media x{a{b:c}}</b>", "<b>@media x{a{b:c}}</b>"),
    ],
)
def test_what_a_template_can_say(template: str, expected: str) -> None:
    assert rendered(template) == expected


def test_values_are_data_and_never_evaluated_again() -> None:
    assert rendered("{{ customer.name }}", name="{{ brand.name }}{% for %}") == "{{ brand.name }}{% for %}"


def test_markup_in_a_value_is_escaped_in_html_and_only_there() -> None:
    values = {group: spelled(group, {"name": '<script>"'}) for group in NAMES}
    source = "{{ customer.name }}"
    done = render(Content(source, html=source, text=source), values)
    assert done == Content('<script>"', html="&lt;script&gt;&#34;", text='<script>"')


def test_a_value_cannot_begin_another_header() -> None:
    values = {group: spelled(group, {"name": "Ann\r\nBcc: eve@example.org\x85x\u2028y"}) for group in NAMES}
    assert render(Content("Hi {{ customer.name }}", text="x"), values).subject == "Hi Ann Bcc: eve@example.org x y"


WRONG = [
    "{{ ''.__class__ }}",
    "{{ customer.name.__class__ }}",
    "{{ customer.name.size }}",
    "{{ customer }}",
    "{{ customer.password }}",
    "{{ customer[brand.name] }}",
    "{{ secret }}",
    "{% if secret %}{% endif %}",
    "{% for %}",
    "{% for i in (1..1000) %}x{% endfor %}",
    "{% assign x = 1 %}",
    "{% include 'x' %}",
    "{% raw %}x{% endraw %}",
    "{% if customer.name %}",
    "{{ 9**9**9 }}",
    "{{ x|attr(..) }}",
    "{{ customer.name | safe }}",
    "{% if customer.city %}{{ customer.name | nothing }}{% endif %}",
    "{{ customer.name | date: '%Y' }}",
    "{{ customer.name | round }}",
    "{{ 1 | round: 99999999 }}",
    "{{ customer.name",
    "{{ customer.name {% if %} }}",
    "{{ " + "(" * 450 + " }}",
    "{{ a" + "[b" * 100 + "]" * 100 + " }}",
    "{{ customer.name | append: '" + "x" * 500 + "' }}",
    "{% if customer.name %}" * 100 + "{% endif %}" * 100,
    "{{ customer.name }}" * 501,
]
BOMBS = ["{" * 190_000, "{{ " * 60_000, "{% raw %}" * 20_000, "{{" + " " * 190_000 + "}}", "{%" * 90_000]

# What would take a parser of HTML or of styles long, or end the process.
MARKUP = [
    *["<style>p{color:red}</style>" + tags * 12_000 for tags in ("<div>", "<b><div></b>", '<div title="</div>">')],
    "<style>" + "*{color:red}" * 8_000 + "</style>" + "<p>x" * 9_000,
    "<style>" + ":not(" * 30_000 + "</style><p>",
    "<style>p{color:red}</style><p " + " ".join(f"a{n}" for n in range(20_000)) + ">",
    *[mark * 39_000 for mark in ("<!--", "<", "<a '", "</a", "<br>", "<a b=", "<a/")],
    "<style>p{}</style><a" + "/" * 150_000,
    "<a b " + " " * 90_000 + "=" * 90_000,
]


@pytest.mark.parametrize("template", WRONG)
def test_what_cannot_be_rendered_is_refused_at_save_with_the_part(template: str) -> None:
    with pytest.raises(Refused) as refused:
        check(Content("s", html="fine", text=template))
    assert (refused.value.code, refused.value.field) == ("TEMPLATE_ERROR", ("text",))
    assert len(refused.value.message) < 800


def test_a_known_name_that_is_misspelt_is_told_the_list() -> None:
    with pytest.raises(Refused, match=r"customer\.nmae is not one of customer\.name"):
        check(Content("{{ customer.nmae }}", text="x"))


def test_no_template_takes_long_or_much_memory() -> None:
    """In a process that is killed after 10 s of CPU or with 1 GB of address space, all of them together."""
    script = """
import sys, time
from domain.refusals import Refused
from domain.templates import Content
from tests.workers.test_templates import BOMBS, MARKUP, WRONG
from workers.templates import check
costly = ["x" * 200_000, "}}" * 100_000, ("{{ customer.name" + " | append: customer.name" * 18 + " }}") * 400,
          ("{{ customer.name }}" + "x" * 370) * 500, " " * 199_000 + "{{ customer.name }}", *MARKUP]
for source in WRONG + BOMBS + costly:
    began = time.process_time()
    try:
        check(Content("s", html=source))
    except Refused:
        pass
    print(round(time.process_time() - began, 3), source[:20])
"""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, preexec_fn=limit, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    times = [float(line.split()[0]) for line in done.stdout.splitlines()]
    assert len(times) == len(WRONG) + len(BOMBS) + len(MARKUP) + 5
    assert max(times) < 1, done.stdout
