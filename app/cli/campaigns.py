"""`wayfare campaigns`: which there are, and how far one is while it is sent."""

import asyncio
import json
import time
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from app.cli.campaign_progress import Pace, Progress
from app.cli.connection import run
from app.cli.remote import Api, Key, Url, api

app = typer.Typer(no_args_is_help=True, help="Campaigns, over the API.")

AsJson = Annotated[bool, typer.Option("--json", help="A line of JSON for each, for programs.")]

# Of a list, however narrow the terminal: an id must be whole, because it is what `watch` takes.
WIDTH = 130

_LIST = """
query ($where: CampaignWhereInput, $first: Int!) { campaigns(where: $where, first: $first) { nodes {
  id name status tally { audience pending sent failed uncertain skipped } } } }
"""
_WATCH = """
query ($id: ID!) { campaign(id: $id) {
  name status error tally { audience pending sent failed uncertain skipped } skips { reason number }
  experiment { mode evaluateAt concludedAt awaitsDecision } } }
"""


@app.callback()
def campaigns() -> None:
    """Campaigns, over the API."""


@app.command("list")
def list_(
    status: Annotated[list[str] | None, typer.Option(help="Only in this status; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that were put away.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=250, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Campaigns with what became of their audiences, newest first."""
    where: dict[str, Any] = {"archived": None} if everything else {}
    if status:
        where["status"] = [one.upper() for one in status]
    run(_list(where, limit, url, key, as_json=as_json))


@app.command()
def watch(
    campaign: Annotated[str, typer.Argument(help="Its id, as the API and `wayfare campaigns list` tell it.")],
    interval: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds between two looks.")] = 1.0,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Watch a campaign until it has ended. The exit code is 1 when it was cancelled or failed."""
    if run(_watch(campaign, interval, url, key, as_json=as_json)) != "COMPLETED":
        raise typer.Exit(1)


async def _list(where: dict[str, Any], limit: int, url: str | None, key: str | None, *, as_json: bool) -> None:
    async with api(url, key) as ask:
        nodes = (await _asked(ask, _LIST, where=where, first=limit))["campaigns"]["nodes"]
    if as_json:
        for node in nodes:
            print(json.dumps({**{name: node[name] for name in ("id", "name", "status")}, **node["tally"]}))  # noqa: T201
        return
    table = Table(box=None)
    table.add_column("Id", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    for name in ("Sent", "of"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Campaign", overflow="ellipsis", no_wrap=True)
    for node in nodes:
        tally = node["tally"]
        table.add_row(node["id"], node["status"], f"{tally['sent']:,}", f"{tally['audience']:,}", node["name"])
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table if nodes else "There are none.")


async def _watch(campaign: str, interval: float, url: str | None, key: str | None, *, as_json: bool) -> str:
    """Its last status."""
    pace, told = Pace(), None
    async with api(url, key) as ask:
        with Live(console=Console(), auto_refresh=False, transient=False) as live:
            while True:
                progress = await _look(ask, campaign, pace)
                if as_json:
                    line = progress.json()
                    # What changes without anything having happened is not worth a line.
                    state = {name: value for name, value in line.items() if name not in ("perSecond", "secondsLeft")}
                    if state != told:
                        live.console.file.write(json.dumps(line) + "\n")
                        live.console.file.flush()
                    told = state
                else:
                    live.update(progress.drawn(), refresh=True)
                if progress.is_over:
                    return progress.status
                await asyncio.sleep(interval)


async def _look(ask: Api, campaign: str, pace: Pace) -> Progress:
    found = (await _asked(ask, _WATCH, id=campaign))["campaign"]
    if found is None:
        raise typer.BadParameter("There is no such campaign, or the key may not see it.")
    return Progress.of(found, pace, time.monotonic())


async def _asked(ask: Api, document: str, **variables: Any) -> dict[str, Any]:
    """A server that is away for a moment is asked again, ten times."""
    for attempt in range(10):
        try:
            return await ask(document, **variables)
        except httpx2.TransportError as error:
            if attempt == 9:
                raise typer.BadParameter(f"{ask.url} cannot be reached: {error}") from error
            await asyncio.sleep(0.5)
    raise AssertionError
