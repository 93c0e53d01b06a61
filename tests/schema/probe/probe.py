"""The probe: asks as one caller with all it could know of what is not theirs, and looks for that in the answers."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from graphql import get_named_type

from domain.ids import new_id
from resolvers.ids import NOBODY, global_id, split_id
from schema.limits.bounds import Bounds
from tests.api import Api
from tests.schema.operations import GRAPHQL
from tests.schema.probe.asking import Naming, Question, questions

CANARY = "canary"
# Generated operations select more than anybody may.
UNBOUND = Bounds(tokens=10**6, fields=10**6, cost=10**12, depth=100, aliases=10**4)
# What an answer may say differently when the same is asked again.
_CHANGING = re.compile(r'"errorId": "[^"]*"|\d{4}-\d\d-\d\dT[\d:.]+Z')
_WORDS = re.compile(r"[A-Za-z0-9_-]{30,}")


@dataclass
class Probe:
    """own and foreign: global ids by type; canaries: texts and row ids that must never be in an answer.

    stranger: the other organization, or the other brand; options: who asks, besides being of the organization.
    """

    api: Api
    foreign: dict[str, list[str]]
    canaries: set[str]
    own: dict[str, list[str]] = field(default_factory=dict)
    organization: UUID = NOBODY
    stranger: UUID = NOBODY
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def every(self) -> list[str]:
        return [id_ for ids in self.foreign.values() for id_ in ids]

    def questions(self, kind: str, only: str | None = None) -> Iterator[Question]:
        """Every place that may name something, named by a foreign id of the fitting type or a foreign text."""
        return questions(kind, self.naming if kind != "mutation" else self.ids_alone, self.others, only=only)

    def naming(self, name: str, type_: str) -> list[str]:
        if type_ == "String":
            texts = {"email": f"{CANARY}0@x.example", "externalId": f"{CANARY}-0", "tags": f"{CANARY}-tag"}
            return [json.dumps(texts.get(name, CANARY))]
        return [json.dumps(ids[0]) for ids in _fitting(name, self.foreign) if ids]

    def ids_alone(self, name: str, type_: str) -> list[str]:
        """No foreign texts: a mutation would store them, and they would be the caller's own from then on."""
        return self.naming(name, type_) if type_ == "ID" else []

    @property
    def others(self) -> Naming:
        return lambda name, type_: (
            [json.dumps(ids[0]) for ids in _fitting(name, self.own) if ids] if type_ == "ID" else [json.dumps("own")]
        )

    def asking(self, random: Random, name: str, type_: str) -> str | None:
        """For random operations: foreign ids, and foreign names for texts."""
        if type_.strip("!") == "String" and random.random() < 0.5:
            return json.dumps(random.choice([CANARY, f"{CANARY}-0", f"{CANARY}0@x.example", f"{CANARY}-tag"]))
        return self.ordering(random, name, type_)

    def ordering(self, random: Random, name: str, type_: str) -> str | None:
        """For random operations: foreign ids wherever an id goes, of the right type where the name tells it."""
        if "ID" in type_ and "Input" not in type_:
            chosen = json.dumps(random.choice(random.choice(_fitting(name, self.foreign) or [self.every])))
            return f"[{chosen}]" if "[" in type_ else chosen
        return None

    async def ask(self, document: str, **options: Any) -> dict[str, Any]:
        return await self.api(document, **self.options, **options)

    async def findings(self, document: str, **options: Any) -> list[str]:
        return self.canaries_in(await self.ask(document, **options), document)

    def canaries_in(self, answer: object, document: str) -> list[str]:
        text = json.dumps(answer)
        decoded = text + " ".join(_decoded(word) for word in _WORDS.findall(text))
        # What the caller itself wrote into the document may come back in an error.
        known = document + " ".join(_decoded(word) for word in _WORDS.findall(document))
        return [f"{canary}: {document}" for canary in self.canaries if canary in decoded and canary not in known]

    async def trial(self, question: Question, **options: Any) -> list[str]:
        """Canaries in the answer; and whether a foreign id is told from one that nobody has: then answers differ."""
        answer = await self.ask(question.document, **options)
        found = self.canaries_in(answer, question.document)
        type_ = split_id((question.named or "").strip('"'))[0]
        if question.named is None or not type_:
            return found
        ghost = json.dumps(global_id(type_, new_id()))
        other = await self.ask(question.document.replace(question.named, ghost), **options)
        if _masked(answer, question.named) != _masked(other, ghost):
            found.append(f"{answer} but {other}: {question.document}")
        return found

    async def miscounts(self, **options: Any) -> list[str]:
        """Root connections whose totalCount is not the number of what they list."""
        wrong = []
        assert GRAPHQL.query_type is not None
        for name, field_ in GRAPHQL.query_type.fields.items():
            if {"totalCount", "nodes"} <= getattr(get_named_type(field_.type), "fields", {}).keys():
                document = f"{{ f: {name}(first: 250) {{ totalCount {{ value }} nodes {{ __typename }} }} }}"
                told = (await self.ask(document, **options)).get("data") or {}
                if told.get("f") and told["f"]["totalCount"]["value"] != len(told["f"]["nodes"]):
                    wrong.append(f"{told}: {document}")
        return wrong


def _fitting(name: str, by_type: dict[str, list[str]]) -> list[list[str]]:
    """The ids of the types that an argument of this name may mean: inStage, brandId, customerIds; else all of them."""
    noun = name.removesuffix("s").removesuffix("Id").lower()
    fitting = [ids for type_name, ids in by_type.items() if noun and type_name.lower().endswith(noun) and ids]
    return fitting or [ids for ids in by_type.values() if ids]


def _masked(answer: object, literal: str) -> str:
    """The answer without the id that was asked for and without what changes by itself."""
    id_ = literal.strip('"')
    row = _decoded(id_).split(":")[-1]
    return _CHANGING.sub("", json.dumps(answer).replace(id_, "ID").replace(row, "ID"))


def _decoded(word: str) -> str:
    try:
        return urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode(errors="replace")
    except ValueError:
        return ""


def rows_in(ids: dict[str, list[str]]) -> set[str]:
    """The row ids of global ids, as they would stand in an answer, a cursor or a message."""
    return {str(UUID(_decoded(id_).split(":")[1])) for some in ids.values() for id_ in some}
