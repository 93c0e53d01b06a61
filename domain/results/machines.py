"""Which visits are a machine's, by what their request says of itself.

What is not told apart here may be by when it came: db/results/events.py judges clicks again.
"""

import re
from collections.abc import Mapping

# Apple's Mail Privacy Protection loads every image while the mail comes in, and calls itself no more than this.
_APPLE = "Mozilla/5.0"
# These ask on behalf of a person who is looking: the pictures of Gmail and of Yahoo are fetched when they are shown.
_FOR_PEOPLE = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)
_MACHINE = re.compile(
    r"bot\b|bot/|crawl|spider|scan(?!dinav)|preview|prefetch|headless|phantomjs|proofpoint|barracuda|mimecast|safelinks"
    r"|trustwave|forcepoint|symantec|messagelabs|fireeye|cloudmark|virustotal|zscaler|urldefense|slurp|facebookexternal"
    r"|whatsapp/|curl/|wget/|python|java/|go-http-client|okhttp|libwww|httpclient|axios|node-fetch|ruby|perl",
    re.IGNORECASE,
)


def is_machine(method: str, headers: Mapping[str, str]) -> bool:
    """Whether nobody was looking, as far as a request can tell; headers: by lower-case name."""
    agent = headers.get("user-agent", "").strip()
    if method == "HEAD" or not agent or agent == _APPLE:
        return True
    if "prefetch" in f"{headers.get('purpose', '')} {headers.get('sec-purpose', '')} {headers.get('x-moz', '')}":
        return True
    return not _FOR_PEOPLE.search(agent) and bool(_MACHINE.search(agent))
