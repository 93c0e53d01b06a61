"""Trusted documents of an organization, and the keys that may send nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.database import Transaction


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """A document whose id clients may send instead of it: sha256:<digest>, or the name a manifest has for it."""

    id: str
    text: str
    name: str | None


async def load_documents(tx: Transaction, documents: Sequence[TrustedDocument]) -> int:
    """Adds documents and returns how many were new; an id never changes its text, so that a client cannot be misled."""
    return await tx.run(
        """
        insert into trusted_document (organization_id, id, text, name)
        select :organization, d.id, d.text, d.name from unnest(:ids::text[], :texts::text[], :names::text[])
            as d (id, text, name)
        on conflict (organization_id, id) do nothing
        """,
        ids=[document.id for document in documents],
        texts=[document.text for document in documents],
        names=[document.name for document in documents],
    )


async def find_document(tx: Transaction, document_id: str) -> str | None:
    text: str | None = await tx.value(
        "select text from trusted_document where organization_id = :organization and id = :id", id=document_id
    )
    return text


async def changed_texts(tx: Transaction, documents: Sequence[TrustedDocument]) -> list[str]:
    """The ids that are known with another text."""
    rows = await tx.rows(
        """
        select t.id from unnest(:ids::text[], :texts::text[]) as d (id, text)
        join trusted_document t on t.organization_id = :organization and t.id = d.id and t.text <> d.text
        """,
        ids=[document.id for document in documents],
        texts=[document.text for document in documents],
    )
    return [row[0] for row in rows]


async def list_documents(tx: Transaction) -> list[TrustedDocument]:
    rows = await tx.rows(
        "select id, text, name from trusted_document where organization_id = :organization order by name, id"
    )
    return [TrustedDocument(*row) for row in rows]


async def restrict_key(tx: Transaction, prefix: str, *, restricted: bool) -> bool:
    """Whether there is such a key; from now on it may (not) send documents of its own."""
    changed = await tx.run(
        "update api_key set trusted_documents_only = :restricted "
        "where organization_id = :organization and prefix = :prefix",
        prefix=prefix,
        restricted=restricted,
    )
    return changed > 0


async def is_restricted(tx: Transaction, prefix: str) -> bool:
    """Whether a key may send ids of trusted documents only."""
    restricted = await tx.value(
        "select trusted_documents_only from api_key where organization_id = :organization and prefix = :prefix",
        prefix=prefix,
    )
    return bool(restricted)
