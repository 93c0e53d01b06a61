"""GraphiQL at /graphql: its page and files, and in development a working key and example operations."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

GRAPHIQL = Path(__file__).parent / "graphiql"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
}

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        # Small pictures inside the stylesheets of Monaco, such as the wave below an error.
        "img-src 'self' data:",
        # Monaco writes its theme and the place of every line as <style> elements and style attributes, without nonces.
        "style-src 'self' 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

# Names that no one else's DNS answers for. A site whose name is made to lead here (DNS rebinding) would count as the
# same origin for the browser and could read the key.
OWN_HOST = re.compile(r"(localhost|[0-9]+(\.[0-9]+){3}|\[[0-9a-f:.]+\])(:[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page, with the headers it is served with."""

    body: bytes
    headers: dict[str, str]


def page(_request: Request) -> Response:
    """The HTML page, for a GET of /graphql that asks for text/html."""
    return Response(
        _page_body(),
        media_type="text/html",
        headers={
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Vary": "Accept",
        },
    )


def explorer_routes(dev_key: str | None) -> list[Route]:
    """The routes of the page's files and, only with a development server's API key, of its configuration."""
    assets = _read_assets()

    async def asset(request: Request) -> Response:
        found = assets.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        if found.headers["ETag"] in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=found.headers)
        return Response(found.body, headers=found.headers)

    routes = [Route("/graphql/assets/{name}", asset)]
    if dev_key is not None:
        routes.append(_configuration_route(dev_key))
    return routes


def example_tabs(folder: Path = GRAPHIQL / "examples") -> list[dict[str, object]]:
    """The example operations by file name: `title` (the first comment line), `query` and `variables` (or None)."""
    return [_example_tab(file) for file in sorted(folder.glob("*.graphql"))]


def _example_tab(file: Path) -> dict[str, object]:
    query = file.read_text("utf-8")
    variables = file.with_suffix(".json")
    return {
        "title": query.partition("\n")[0].removeprefix("#").strip(),
        "query": query,
        "variables": json.loads(variables.read_text("utf-8")) if variables.exists() else None,
    }


def _configuration_route(dev_key: str) -> Route:
    document = {"headers": {"Authorization": f"Bearer {dev_key}"}, "tabs": example_tabs()}

    async def configuration(request: Request) -> Response:
        if not OWN_HOST.fullmatch(request.headers.get("Host", "")):
            raise HTTPException(404)
        headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"}
        return JSONResponse(document, headers=headers)

    return Route("/graphql/explorer.json", configuration)


@cache
def _page_body() -> bytes:
    return (GRAPHIQL / "dist" / "index.html").read_bytes()


def _read_assets() -> dict[str, Asset]:
    # A look-up in what was built, not a path below a folder: there is nothing to traverse.
    return {file.name: _asset(file) for file in (GRAPHIQL / "dist" / "assets").iterdir()}


def _asset(file: Path) -> Asset:
    body = file.read_bytes()
    headers = {
        "Content-Type": CONTENT_TYPES[file.suffix],
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        # The build puts a hash of the content into every name.
        "Cache-Control": "public, max-age=31536000, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return Asset(body, headers)
