"""A mail's styles, moved into its elements: many mail programs read no style sheet."""

import re

import css_inline

from domain.refusals import Refused
from workers.markup import Tag, check_markup, tokens

# Selectors times declarations times elements: a tenth of a second.
MAX_WORK = 1_000_000

# Nothing is fetched from anywhere; what only a style sheet can say, such as @media, stays one.
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_at_rules=True)
_STYLE = re.compile(r"<style\b", re.IGNORECASE)


def styled(html: str) -> str:
    """The same mail with its styles inlined; refuses INVALID for what is too deep or too much."""
    if not _STYLE.search(html):
        return html
    check_markup(html)
    elements = work = 0
    inside = False
    for token in tokens(html):
        if isinstance(token, Tag):
            inside = token.name == "style" and not token.closes
            elements += not token.closes
        elif inside:
            work += sum((1 + rule.count(",")) * (1 + rule.count(";")) for rule in token.split("}"))
    if work * elements > MAX_WORK:
        raise Refused("INVALID", "There are too many styles for so many elements; write them into the elements.")
    try:
        return _INLINER.inline(html)
    except css_inline.InlineError as error:
        raise Refused("INVALID", f"The styles cannot be read: {str(error)[:200]}") from error
