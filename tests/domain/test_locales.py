"""Locales: customers are written to in their locale, else their language, else as the template was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.locales import canonical, chain, check_locales, choose
from domain.refusals import Refused
from domain.templates import Content, Localized

languages = st.sampled_from(["de", "en", "zh", "fil"])
regions = st.sampled_from(["AT", "DE", "419"])
locales = st.one_of(
    languages, st.builds("{}-{}".format, languages, regions), st.builds("{}-Hant-{}".format, languages, regions)
)


@given(locales, st.lists(locales, unique=True))
def test_the_longest_that_begins_the_locale_is_chosen(locale: str, available: list[str]) -> None:
    fitting = [name for name in available if locale == name or locale.startswith(f"{name}-")]
    assert choose(locale, available) == max(fitting, key=len, default=None)
    assert choose(locale.replace("-", "_").upper(), available) == max(fitting, key=len, default=None)


@given(locales)
def test_a_canonical_locale_stays(locale: str) -> None:
    assert canonical(locale) == canonical(locale.upper()) == canonical(locale.lower()) == locale
    assert next(chain(locale)) == locale


def test_a_template_falls_back_from_locale_to_language_to_its_default() -> None:
    said = Localized(Content("Hello"), {"de": Content("Hallo"), "de-AT": Content("Servus")})
    spoken = {locale: said.spoken(locale)[1].subject for locale in ("de-AT", "de-CH", "DE", "en-US", "", None)}
    assert list(spoken.values()) == ["Servus", "Hallo", "Hallo", "Hello", "Hello", "Hello"]


def test_locales_of_a_template_are_one_of_each() -> None:
    assert check_locales(["DE_at", "zh-hant-tw"]) == ["de-AT", "zh-Hant-TW"]
    for wrong in (["de", "DE"], ["not a locale"], ["d"], [f"de-{n:03}" for n in range(51)]):
        with pytest.raises(Refused):
            check_locales(wrong)
