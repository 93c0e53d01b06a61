"""What a leaf looks at, as JSON: the value that its predicate compares, read from the same expressions."""

from dataclasses import replace
from typing import assert_never

from db.conditions import facts, fields, sources
from db.conditions.aggregates import aggregate
from db.conditions.joins import Joins
from db.conditions.percentiles import ranked
from db.statement import Statement, sql
from domain.conditions import tree
from domain.conditions.fields import ATTRIBUTE

# Of a set no more is shown.
SHOWN = 100


def actual(leaf: tree.Leaf, joins: Joins) -> Statement:
    """A jsonb expression, NULL when unknown.

    Numbers are decimal text, which keeps them exact; days and instants are ISO text; sets are lists. A percentile is
    the share, in percent, of the population with such a value or a higher one; a message the latest instant.
    """
    scope = joins.scope
    match leaf:
        case tree.NumberLeaf() | tree.TextLeaf() | tree.DateLeaf() | tree.SetLeaf():
            return _field(leaf, joins)
        case tree.FactLeaf():
            return _number(aggregate(leaf, joins))
        case tree.InSegment(segment_id):
            return sql("to_jsonb(:member)", member=joins.has(sources.members(segment_id, scope)))
        case tree.StageLeaf():
            return sql("to_jsonb(:stage.key)", stage=joins.add(sources.current_stage(scope)))
        case tree.MessageLeaf():
            return sql("to_jsonb(:said.at)", said=joins.add(sources.messaged(replace(leaf, within_days=None), scope)))
        case tree.ConsentLeaf():
            return sql("coalesce(to_jsonb(:said.states), '[]')", said=joins.add(sources.said(leaf, scope)))
        case tree.Percentile():
            share = sql("round(:rank.at_least * 100.0 / :rank.size, 2)", rank=joins.add(ranked(leaf, scope)))
            return _number(share)
        case tree.Bucket(salt, _, _):
            return sql("to_jsonb(bucket_of(:salt::text, c.id)::text)", salt=salt)
        case _:
            assert_never(leaf)


def _field(leaf: tree.FieldLeaf, joins: Joins) -> Statement:
    match leaf:
        case tree.NumberLeaf(key, _):
            return _number(fields.number(key, joins))
        case tree.TextLeaf(key, _):
            return sql("to_jsonb(:x)", x=fields.text(key))
        case tree.DateLeaf(key, _):
            return sql("to_jsonb(:x)", x=fields.day(key) if fields.is_day(key) else fields.instant(key, joins))
        case tree.SetLeaf():
            return _set(leaf, joins)
        case _:
            assert_never(leaf)


def _number(x: Statement) -> Statement:
    return sql("to_jsonb(trim_scale((:x)::numeric)::text)", x=x)


def _set(leaf: tree.SetLeaf, joins: Joins) -> Statement:
    if leaf.field.startswith(ATTRIBUTE):
        return sql("case jsonb_typeof(:list) when 'array' then :list end", list=fields.attribute(leaf.field))
    every = sources.tags(joins.scope) if leaf.field == "tags" else facts.bought(leaf, joins.scope)
    return sql(f"coalesce(to_jsonb(:every.texts[1:{SHOWN}]), '[]')", every=joins.add(every))
