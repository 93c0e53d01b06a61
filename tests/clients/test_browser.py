"""GraphiQL as people meet it: in Chromium, where there is one (Debian: apt-get install chromium)."""

import os
import shutil

import pytest

from tests.clients.conftest import Check

pytestmark = pytest.mark.clients
# The program, where it is none of these; SCREENSHOTS: a folder for pictures of the pages.
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
def test_graphiql_works_in_a_browser(check: Check) -> None:
    assert CHROMIUM
    check("node", "--test", "browser/", CHROMIUM=CHROMIUM, SCREENSHOTS=os.environ.get("SCREENSHOTS", ""))
