"""GraphiQL's page, files and configuration, asked for over real HTTP as a browser and as an intruder would."""

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from graphql import OperationDefinitionNode, parse
from starlette.applications import Starlette
from starlette.routing import Route

from app.explorer import GRAPHIQL, example_tabs, explorer_routes, page

KEY = "wf_dev_key"


@contextmanager
def served(dev_key: str | None) -> Iterator[int]:
    """The port of a server with the explorer's routes and nothing else."""
    app = Starlette(routes=[Route("/graphql", page), *explorer_routes(dev_key)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served(KEY) as port:
        yield port


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers with names in lower case, and body; the path goes out as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_the_page_is_html_under_a_strict_policy(port: int) -> None:
    status, headers, body = get(port, "/graphql", Accept="text/html")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["vary"] == "Accept"
    assert b"<title>Wayfare</title>" in body

    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "connect-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' data:",
        "style-src": "'self' 'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_page_asks_only_for_files_that_are_served_and_runs_no_inline_script(port: int) -> None:
    html = get(port, "/graphql")[2].decode()
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert len(addresses) >= 3  # the icon, the script, the stylesheet
    assert [get(port, address)[0] for address in addresses] == [200] * len(addresses)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", html) == [""]


@pytest.mark.parametrize("file", sorted(file.name for file in (GRAPHIQL / "dist" / "assets").iterdir()))
def test_a_built_file_is_served_once_and_for_all(port: int, file: str) -> None:
    status, headers, body = get(port, f"/graphql/assets/{file}")
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
    types |= {"svg": "image/svg+xml", "ttf": "font/ttf"}
    assert status == 200
    assert headers["content-type"] == types[file.rpartition(".")[2]]
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["x-content-type-options"] == "nosniff"
    assert body == (GRAPHIQL / "dist" / "assets" / file).read_bytes()

    assert get(port, f"/graphql/assets/{file}", If_None_Match=headers["etag"])[::2] == (304, b"")
    assert get(port, f"/graphql/assets/{file}", If_None_Match='"another"')[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/graphql/assets/",
        "/graphql/assets/.",
        "/graphql/assets/..",
        "/graphql/assets/../index.html",
        "/graphql/assets/..%2findex.html",
        "/graphql/assets/%2e%2e%2findex.html",
        "/graphql/assets/..%5cindex.html",
        "/graphql/assets/..%252findex.html",
        "/graphql/assets/%2fetc%2fpasswd",
        "/graphql/assets//etc/passwd",
        "/graphql/assets/....//....//settings.py",
        "/graphql/assets/%00",
        "/graphql/assets/index.html",
        "/graphql/assets/unknown.js",
    ],
)
def test_nothing_but_a_built_file_is_served(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


def test_a_development_server_hands_out_its_key_and_the_examples(port: int) -> None:
    status, headers, body = get(port, "/graphql/explorer.json")
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert json.loads(body) == {"headers": {"Authorization": f"Bearer {KEY}"}, "tabs": example_tabs()}


def test_without_a_key_there_is_no_configuration() -> None:
    with served(None) as port:
        assert get(port, "/graphql/explorer.json")[0] == 404
        assert get(port, "/graphql")[0] == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "192.168.1.7", "[::1]:8000"])
def test_an_address_may_read_the_key(port: int, host: str) -> None:
    assert get(port, "/graphql/explorer.json", Host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil_site.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "[evil]", ""]
)
def test_a_name_that_could_be_rebound_to_us_may_not(port: int, host: str) -> None:
    status, _, body = get(port, "/graphql/explorer.json", Host=host)
    assert (status, KEY.encode() in body) == (404, False)


def test_examples_have_a_title_and_one_named_operation() -> None:
    tabs = example_tabs()
    assert tabs
    for tab in tabs:
        assert str(tab["query"]).startswith(f"# {tab['title']}\n")
        [operation] = parse(str(tab["query"])).definitions
        assert isinstance(operation, OperationDefinitionNode)
        assert operation.name, f"GraphiQL names the tab {tab['title']!r} after its operation"
        declared = {variable.variable.name.value for variable in operation.variable_definitions or ()}
        given = tab["variables"] or {}
        assert isinstance(given, dict)
        assert set(given) <= declared
    assert len({tab["title"] for tab in tabs}) == len(tabs)
