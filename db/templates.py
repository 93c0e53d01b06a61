"""Templates as they are stored: a name and its versions, each of which stays as it was when something was sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.database import Transaction
from db.names import named, of_brand
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.statement import Statement
from domain.consents import Channel
from domain.templates import Content

_NEWEST = (
    "template t join template_version v "
    "on v.organization_id = t.organization_id and v.template_id = t.id and v.number = t.current_version"
)


@dataclass(frozen=True, slots=True)
class Template:
    """A template with the content of its newest version."""

    id: UUID
    brand_id: UUID
    name: str
    channel: str
    current_version: int
    version: int
    created_at: datetime
    updated_at: datetime
    subject: str = column("v.subject")
    html: str | None = column("v.html")
    text: str | None = column("v.text")

    @property
    def content(self) -> Content:
        return Content(self.subject, self.html, self.text)


TEMPLATE_BY_ID = Relation("template", Template, _NEWEST, key="t.id")
TEMPLATES = Relation(
    "templates",
    Template,
    _NEWEST,
    key="t.organization_id",
    orders=(
        ("CREATED_AT", Sort("t.created_at", "timestamptz")),
        ("NAME", Sort('t.name collate "C"', "text")),
    ),
)


def matching(brand_id: UUID | None, search: str | None) -> Statement | None:
    """Templates of a brand whose name contains every word; None for all."""
    return named(search, of_brand(brand_id))


async def find_template(tx: Transaction, template_id: UUID) -> Template | None:
    """The template, locked against change until the transaction ends."""
    return await tx.record(
        Template,
        f"select {columns_of(Template)} from {_NEWEST} "
        "where t.organization_id = :organization and t.id = :id for no key update of t",
        id=template_id,
    )


async def create_template(
    tx: Transaction, template_id: UUID, *, brand_id: UUID, name: str, channel: Channel, content: Content, actor: str
) -> bool:
    """Stores a template with its first version; False when the brand has one of this name."""
    made = await tx.run(
        """
        insert into template (organization_id, id, brand_id, name, channel)
        values (:organization, :id, :brand_id, :name, :channel)
        on conflict (organization_id, brand_id, name) do nothing
        """,
        id=template_id,
        brand_id=brand_id,
        name=name,
        channel=channel.value,
    )
    if made:
        await _append(tx, template_id, 1, content, actor)
    return bool(made)


async def change_template(tx: Transaction, template: Template, *, name: str, content: Content, actor: str) -> bool:
    """Renames it, and appends a version if the content is another; False when the brand has one of this name.

    `template` must be locked by `find_template`.
    """
    number = template.current_version + (content != template.content)
    if number > template.current_version:
        await _append(tx, template.id, number, content, actor)
    return bool(
        await tx.run(
            """
            update template t
            set name = :name, current_version = :number, version = t.version + 1, updated_at = clock_timestamp()
            where t.organization_id = :organization and t.id = :id
              and not exists (select from template o where o.organization_id = :organization
                                and o.brand_id = t.brand_id and o.name = :name and o.id <> t.id)
            """,
            id=template.id,
            name=name,
            number=number,
        )
    )


async def content_of(tx: Transaction, template_id: UUID, number: int) -> Content:
    """The content of one version; raises LookupError when there is none."""
    row = await tx.row(
        """
        select v.subject, v.html, v.text from template_version v
        where v.organization_id = :organization and v.template_id = :id and v.number = :number
        """,
        id=template_id,
        number=number,
    )
    if row is None:
        raise LookupError(template_id)
    return Content(*row)


async def _append(tx: Transaction, template_id: UUID, number: int, content: Content, actor: str) -> None:
    await tx.run(
        """
        insert into template_version (organization_id, template_id, number, subject, html, text, actor)
        values (:organization, :id, :number, :subject, :html, :text, :actor)
        """,
        id=template_id,
        number=number,
        subject=content.subject,
        html=content.html,
        text=content.text,
        actor=actor,
    )
