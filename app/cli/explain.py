"""`wayfare explain`: how an operation would be read."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLError
from rich.console import Console
from rich.syntax import Syntax

from schema.explain import explain as explained


def explain(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file with one GraphQL operation.")],
    variables: Annotated[str, typer.Option(help="Its variables as a JSON object.")] = "{}",
) -> None:
    """Print the plan of an operation: each reading with its one statement, or why the loaders answer it."""
    console = Console()
    try:
        readings = asyncio.run(explained(file.read_text(), json.loads(variables), datetime.now(UTC)))
    except (GraphQLError, json.JSONDecodeError) as error:
        raise typer.BadParameter(str(error)) from error
    for reading in readings:
        console.rule(reading.relation, align="left")
        if reading.statement is None:
            console.print(f"By the loaders: {reading.reason}.", markup=False)
        else:
            console.print(Syntax(reading.statement.text, "sql", word_wrap=True))
    if not readings:
        console.print("No relation is read: resolvers answer this operation.")
