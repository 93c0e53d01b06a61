"""Templates as they are stored: a name and its versions, each of which stays as it was when something was sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from db.database import Transaction
from db.names import named, of_brand
from db.records import column, columns_of
from db.relations import Relation, Sort
from db.statement import Statement, sql
from domain.consents import Channel
from domain.templates import Content, Localized

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
    archived_at: datetime | None
    subject: str = column("v.subject")
    html: str | None = column("v.html")
    text: str | None = column("v.text")
    preheader: str | None = column("v.preheader")
    data: dict[str, Any] | None = column("v.data")

    @property
    def content(self) -> Content:
        return Content(self.subject, self.html, self.text, self.data, self.preheader)


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """A version of a template, as it was and stays."""

    number: int
    subject: str
    html: str | None
    text: str | None
    preheader: str | None
    data: dict[str, Any] | None
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Translation:
    """What the newest version of a template says in another language."""

    locale: str
    subject: str
    html: str | None
    text: str | None
    preheader: str | None
    data: dict[str, Any] | None


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

VERSIONS_OF_TEMPLATE = Relation(
    "versions_of_template",
    TemplateVersion,
    "template_version t",
    key="t.template_id",
    orders=(("NUMBER", Sort("t.number", "integer")),),
    tie=Sort("t.number", "integer"),
    descending=True,
)
TRANSLATIONS_OF_TEMPLATE = Relation(
    "translations_of_template",
    Translation,
    "template_translation t join template p on p.organization_id = t.organization_id and p.id = t.template_id "
    "and p.current_version = t.number",
    key="t.template_id",
    orders=(("LOCALE", Sort('t.locale collate "C"', "text")),),
    tie=Sort('t.locale collate "C"', "text"),
)


def matching(
    brands: Sequence[UUID], channels: Sequence[Sequence[Channel]], search: str | None, *, archived: bool = False
) -> Statement | None:
    """Templates of each of these brands and of one of each of these channels whose name contains every word, those
    that are archived or those that are not."""
    return named(
        search,
        *(of_brand(brand_id) for brand_id in brands),
        *(sql("t.channel = any(:channels::text[])", channels=list(one)) for one in channels),
        sql("t.archived_at is not null") if archived else sql("t.archived_at is null"),
    )


async def find_template(tx: Transaction, template_id: UUID, *, lock: bool = True) -> Template | None:
    """The template, locked against change until the transaction ends unless it is only looked at."""
    return await tx.record(
        Template,
        f"select {columns_of(Template)} from {_NEWEST} "
        f"where t.organization_id = :organization and t.id = :id {'for no key update of t' if lock else ''}",
        id=template_id,
    )


async def create_template(
    tx: Transaction,
    template_id: UUID,
    *,
    brand_id: UUID,
    name: str,
    channel: Channel,
    content: Content,
    actor: str,
    translations: Mapping[str, Content] | None = None,
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
        await _append(tx, template_id, 1, Localized(content, translations or {}), actor)
    return bool(made)


async def change_template(
    tx: Transaction, template: Template, *, name: str, content: Content | Localized, actor: str
) -> bool:
    """Renames it, and appends a version if the content is another; False when the brand has one of this name.

    A content alone leaves the translations as they are. `template` must be locked by `find_template`.
    """
    stored = await localized_of(tx, template.id, template.current_version)
    wanted = content if isinstance(content, Localized) else Localized(content, stored.translations)
    number = template.current_version + (wanted != stored)
    if number > template.current_version:
        await _append(tx, template.id, number, wanted, actor)
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
    """What one version says where no translation fits; raises LookupError when there is none."""
    return (await localized_of(tx, template_id, number)).default


async def localized_of(tx: Transaction, template_id: UUID, number: int) -> Localized:
    """What one version says, in all its languages; raises LookupError when there is none."""
    rows = await tx.rows(
        """
        select null as locale, v.subject, v.html, v.text, v.data, v.preheader from template_version v
        where v.organization_id = :organization and v.template_id = :id and v.number = :number
        union all
        select v.locale, v.subject, v.html, v.text, v.data, v.preheader from template_translation v
        where v.organization_id = :organization and v.template_id = :id and v.number = :number
        """,
        id=template_id,
        number=number,
    )
    contents: dict[str | None, Content] = {row[0]: Content(*tuple(row)[1:]) for row in rows}
    if None not in contents:
        raise LookupError(template_id)
    return Localized(contents.pop(None), {locale: content for locale, content in contents.items() if locale})


async def _append(tx: Transaction, template_id: UUID, number: int, said: Localized, actor: str) -> None:
    await tx.run(
        """
        insert into template_version (organization_id, template_id, number, subject, html, text, preheader, data, actor)
        values (:organization, :id, :number, :subject, :html, :text, :preheader, :data, :actor)
        """,
        id=template_id,
        number=number,
        actor=actor,
        **_stored(said.default),
    )
    if said.translations:
        contents = [_stored(content) for content in said.translations.values()]
        await tx.run(
            """
            insert into template_translation (organization_id, template_id, number, locale, subject, html, text,
                                              preheader, data)
            select :organization, :id, :number, g.* from unnest(
                :locales::text[], :subject::text[], :html::text[], :text::text[], :preheader::text[], :data::jsonb[]) g
            """,
            id=template_id,
            number=number,
            locales=list(said.translations),
            **{part: [content[part] for content in contents] for part in _PARTS},
        )


_PARTS = ("subject", "html", "text", "preheader", "data")


def _stored(content: Content) -> dict[str, Any]:
    return {part: getattr(content, part) for part in _PARTS}


async def users_of(tx: Transaction, template_id: UUID) -> list[str]:
    """The names of some campaigns that say what it says, drafts first: while there are any it cannot be deleted."""
    rows = await tx.rows(
        """
        select c.name from campaign c
        where c.organization_id = :organization and (c.template_id = :id or exists (
            select from campaign_content n where n.organization_id = :organization and n.campaign_id = c.id
              and n.template_id = :id))
        order by c.status <> 'DRAFT', c.created_at desc limit 10
        """,
        id=template_id,
    )
    return [row[0] for row in rows]


async def delete_template(tx: Transaction, template_id: UUID) -> None:
    """With all its versions; nobody may use it."""
    await tx.run("delete from template where organization_id = :organization and id = :id", id=template_id)


async def archive_template(tx: Transaction, template_id: UUID, *, archived: bool) -> None:
    """Hides it, or shows it again; what uses it goes on."""
    await tx.run(
        """
        update template set archived_at = case when :archived then coalesce(archived_at, clock_timestamp()) end,
                            version = version + 1, updated_at = clock_timestamp()
        where organization_id = :organization and id = :id
        """,
        id=template_id,
        archived=archived,
    )
