"""The API as commands ask it: of the instance that runs here, or of one that is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import httpx2
import typer

from app.instance import running
from app.settings import Settings

Url = Annotated[
    str | None,
    typer.Option(
        envvar="WAYFARE_URL", help="Where the API is, e.g. https://wayfare.example; the instance that runs here."
    ),
]
Key = Annotated[str | None, typer.Option(envvar="WAYFARE_KEY", help="An API key; that of the instance that runs here.")]


@dataclass(frozen=True)
class Api:
    """Asks one API."""

    client: httpx2.AsyncClient
    url: str

    async def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data; raises typer.BadParameter for what the API refuses and httpx2.TransportError when it is away."""
        answered = await self.client.post(self.url, json={"query": document, "variables": variables})
        try:
            told = answered.json()
        except ValueError:
            raise typer.BadParameter(f"{self.url} answers {answered.status_code}, and not as the API does.") from None
        if told.get("errors"):
            raise typer.BadParameter(told["errors"][0]["message"])
        data: dict[str, Any] = told["data"]
        return data


def place(url: str | None) -> str:
    """Where the API is, without a slash at its end: as said, or of the instance that runs here."""
    here = None if url else running(Settings().state)
    found = url or (here.url if here else None)
    if not found:
        raise typer.BadParameter("Nothing runs here: say --url, or set WAYFARE_URL.")
    return found.rstrip("/").removesuffix("/graphql")


@asynccontextmanager
async def api(url: str | None, key: str | None) -> AsyncIterator[Api]:
    """The API at a URL with a key; what is not said is that of the instance that runs here."""
    here = None if url and key else running(Settings().state)
    if here is not None:
        url, key = url or here.url, key or here.apiKey
    if not url or not key:
        raise typer.BadParameter("Nothing runs here: say --url and --key, or set WAYFARE_URL and WAYFARE_KEY.")
    whole = url if url.rstrip("/").endswith("/graphql") else f"{url.rstrip('/')}/graphql"
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    async with httpx2.AsyncClient(headers=headers, timeout=15) as client:
        yield Api(client, whole)
