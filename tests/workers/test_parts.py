"""The parts of a mail: styles inlined, text derived, the line beside the subject; and refused markup."""

import pytest

from domain.refusals import Refused
from domain.templates import NAMES, Content, spelled
from tests.workers.test_templates import KNOWN
from workers.markup import MAX_DEPTH, check_markup, plain
from workers.templates import check, names_in, render, unknown_names

VALUES = {group: spelled(group, KNOWN.get(group, {})) for group in NAMES}


def test_styles_move_into_the_elements_and_what_only_a_sheet_can_say_stays() -> None:
    sheet = "<style>p { color: red } @media (max-width: 600px) { p { color: blue } }</style>"
    done = render(Content("s", html=f"{sheet}<p>{{{{ customer.name }}}}</p>"), VALUES).html
    assert done is not None
    assert '<p style="color: red;">Ann Lee</p>' in done
    assert "@media" in done
    assert "color: red }" not in done


@pytest.mark.parametrize("condition", ["", "{% if customer.name %}!{% endif %}"])
def test_a_text_part_is_made_from_the_html_and_says_values_as_they_are(condition: str) -> None:
    html = (
        f"<html><head><title>no</title><style>p{{}}</style></head><body><h1>Hi {{{{ customer.name }}}}{condition}</h1>"
        "<p>See <a href='{{ links.unsubscribe }}'>here</a>,<br>{{ brand.name }}</p><!-- no --><ul><li>1<li>2</ul>"
    )
    values = VALUES | {"links": {"unsubscribe": "https://x.example/u"}}
    done = render(Content("s", html=html), values | {"customer": VALUES["customer"] | {"name": "<b>A & B</b>"}})
    mark = "!" if condition else ""
    assert done.text == f"Hi <b>A & B</b>{mark}\n\nSee here (https://x.example/u),\nTea & Co\n\n1\n2\n"
    assert render(Content("s", html=html, text="mine"), values).text == "mine"


def test_a_preheader_is_hidden_at_the_beginning_of_the_body() -> None:
    page = "<!doctype html><html><head></head><body class='x'><p>Hi</p></body></html>"
    done = render(Content("s", html=page, preheader="{{ customer.name }} <3"), VALUES)
    assert done.html is not None
    assert done.html.startswith("<!doctype html><html><head></head><body class='x'><div style=\"display:none;")
    assert "Ann Lee &lt;3</div><p>Hi</p>" in done.html
    assert done.preheader == "Ann Lee <3"
    assert (render(Content("s", html="<p>Hi</p>", preheader="x"), VALUES).html or "").startswith("<div")


def test_data_keeps_its_shape_whatever_the_values_are() -> None:
    data = {"name": "{{ customer.name }}", "list": [1, "{{ brand.name }}", {"a": None}], "on": True}
    values = VALUES | {"customer": VALUES["customer"] | {"name": '","x":"'}}
    assert render(Content(data=data), values).data == {
        "name": '","x":"',
        "list": [1, "Tea & Co", {"a": None}],
        "on": True,
    }


def test_names_that_have_no_value_for_a_customer_are_told() -> None:
    content = Content("{{ customer.city }}", html="{% if customer.name %}{{ metrics.firstOrderAt }}{% endif %}")
    assert names_in(content) == {"customer.city", "customer.name", "metrics.firstOrderAt"}
    assert unknown_names(content, VALUES) == ["customer.city", "metrics.firstOrderAt"]


def test_tags_that_nest_too_deep_are_refused_and_those_of_mails_are_not() -> None:
    check_markup("<div>" * MAX_DEPTH)
    check_markup(
        "<p>x" * 900 + "<table>" + "<tr><td>1<td>2" * 900 + "<br>" * 900 + "<!--[if mso]><table><![endif]-->" * 900
    )
    for wrong in ("<div>" * (MAX_DEPTH + 1), "<b><div></b>" * MAX_DEPTH, '<div title="</div>">' * (MAX_DEPTH + 1)):
        with pytest.raises(Refused) as refused:
            check(Content("s", html=wrong))
        assert (refused.value.code, refused.value.field) == ("INVALID", ("html",))


def test_a_comment_hides_what_is_in_it_and_a_raw_element_what_looks_like_tags() -> None:
    assert plain("a<!-- <p> -->b<!-->c<script>'<p>'</script>d&lt;") == "abcd<\n"
