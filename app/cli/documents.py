"""`wayfare documents`: trusted documents."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.cli.connection import connected, run
from db.documents import TrustedDocument, changed_texts, list_documents, load_documents, restrict_key

app = typer.Typer(no_args_is_help=True, help="Trusted documents: what clients send by its id.")
Organization = Annotated[str | None, typer.Option(help="Slug; needed when there are several.")]


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Relay's or Apollo's manifest, JSON.")],
    organization: Organization = None,
) -> None:
    """Add the documents of a manifest. All of them must be valid; those of earlier releases stay."""
    from app.manifests import ManifestError, documents_of  # the whole schema

    try:
        documents = documents_of(json.loads(file.read_text()))
    except (ManifestError, json.JSONDecodeError) as error:
        raise typer.BadParameter(str(error)) from error
    new = run(_load(documents, organization))
    Console().print(f"{new} new, {len(documents) - new} known before.", highlight=False)


@app.command(name="list")
def list_(organization: Organization = None) -> None:
    """List what clients may send by its id."""
    for document in run(_list(organization)):
        Console(soft_wrap=True).print(document.id, document.name or "", highlight=False, markup=False)


@app.command()
def require(
    key: Annotated[str, typer.Argument(help="The key's public part, wf_... or without it.")],
    free: Annotated[bool, typer.Option("--free", help="Let it send documents of its own again.")] = False,
    organization: Organization = None,
) -> None:
    """Let a key send ids of trusted documents only; every process knows within ten seconds."""
    if not run(_require(key.removeprefix("wf_").split("_")[0], free, organization)):
        raise typer.BadParameter("There is no such key.")


async def _load(documents: list[TrustedDocument], organization: str | None) -> int:
    async with connected() as wayfare, wayfare.database.tenant(await wayfare.organization(organization)) as tx:
        if changed := await changed_texts(tx, documents):
            raise typer.BadParameter(f"These ids are known with another text: {', '.join(changed)}")
        return await load_documents(tx, documents)


async def _list(organization: str | None) -> list[TrustedDocument]:
    async with connected() as wayfare, wayfare.database.tenant(await wayfare.organization(organization)) as tx:
        return await list_documents(tx)


async def _require(prefix: str, free: bool, organization: str | None) -> bool:
    async with connected() as wayfare, wayfare.database.tenant(await wayfare.organization(organization)) as tx:
        return await restrict_key(tx, prefix, restricted=not free)
