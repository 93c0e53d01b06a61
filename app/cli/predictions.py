"""`wayfare predictions`: whether customers will buy again."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console

from app.cli.connection import connected, run
from app.cli.everybody import database_time, work_through
from app.cli.instants import AsOf, read_as_of
from db.database import Transaction
from db.organizations import current_organization
from db.predictions import find_model
from db.slices import Slice
from domain.predictions import ModelState
from workers.predictions import learn, predict_slice, store

app = typer.Typer(no_args_is_help=True, help="Whether customers will buy again.")


@app.callback()
def predictions() -> None:
    """Whether customers will buy again."""


@app.command()
def fit(
    as_of: AsOf = None,
    organization: Annotated[str | None, typer.Option(help="Slug; needed when there are several.")] = None,
) -> None:
    """Fit the model of purchases to the orders and predict those of every buyer, as the worker does every week."""
    run(_fit(as_of, organization))


async def _fit(as_of: str | None, slug: str | None) -> None:
    async with connected() as wayfare:
        organization_id = await wayfare.organization(slug)
        now = await database_time(wayfare.database)
        async with wayfare.database.tenant(organization_id) as tx:
            at = read_as_of(as_of, (await current_organization(tx)).timezone, now)
        await store(wayfare.database, organization_id, await learn(wayfare.database, organization_id, at or now))
        async with wayfare.database.tenant(organization_id) as tx:
            model = await find_model(tx)
        assert model is not None
        if model.state != ModelState.FITTED:
            Console().print(f"No model: {model.state}, of {model.buyers:,} buyers.", highlight=False)
            return

        async def work(tx: Transaction, some: Slice) -> Mapping[str, int]:
            return {"predicted": await predict_slice(tx, some, model)}

        counts = await work_through(wayfare.database, organization_id, "Predicting", work)
        Console().print(
            f"r {model.r:.3f}, alpha {model.alpha:.3f}, a {model.a:.3f}, b {model.b:.3f} of {model.sample:,} among "
            f"{model.buyers:,} buyers; {counts['predicted']:,} predictions changed.",
            highlight=False,
        )
