"""Links of templates as they are stored, so that following one can lead nowhere else."""

from collections.abc import Collection
from uuid import UUID

from db.database import Transaction
from domain.ids import new_id


async def store_links(tx: Transaction, template_id: UUID, version: int, urls: Collection[str]) -> dict[str, UUID]:
    """The id of each address that this version of a template leads to; those that are new are stored."""
    if not urls:
        return {}
    wanted = sorted(urls)
    await tx.run(
        """
        insert into link (organization_id, id, template_id, template_version, url)
        select :organization, l.id, :template_id, :version, l.url
        from unnest(:ids::uuid[], :urls::text[]) as l (id, url) order by l.url
        on conflict (organization_id, template_id, template_version, url) do nothing
        """,
        template_id=template_id,
        version=version,
        ids=[new_id() for _ in wanted],
        urls=wanted,
    )
    # After it, so that those are seen that somebody else has just stored.
    rows = await tx.rows(
        """
        select url, id from link
        where organization_id = :organization and template_id = :template_id and template_version = :version
          and url = any(:urls::text[])
        """,
        template_id=template_id,
        version=version,
        urls=wanted,
    )
    return {row["url"]: row["id"] for row in rows}


async def url_of(tx: Transaction, link_id: UUID) -> str | None:
    """Where a link leads; None when there is none such."""
    url: str | None = await tx.value(
        "select url from link where organization_id = :organization and id = :id", id=link_id
    )
    return url
