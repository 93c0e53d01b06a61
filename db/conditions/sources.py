"""What leaves read beside the customer's own row: one statement each, at most one row a customer."""

from datetime import datetime

from db.conditions.scope import CANDIDATES, EVERYBODY, Scope
from db.metrics import computed_metrics
from db.slices import Range
from db.statement import Statement, sql
from domain.conditions import tree

NO_BRAND = Statement("m.brand_id is null")


def metrics(scope: Scope) -> Statement:
    """The metrics at the evaluation instant: the maintained row for now, else computed from the facts before it."""
    if scope.as_of is None:
        return maintained_metrics(scope)
    candidates = scope.candidates if isinstance(scope.candidates, Range | None) else CANDIDATES
    return computed_metrics(scope.organization, scope.as_of, candidates, brand_id=scope.brand_id)


def maintained_metrics(scope: Scope) -> Statement:
    return sql(
        "select m.* from customer_metrics m where m.organization_id = :organization and :brand and :among",
        organization=scope.tenant,
        # Not "is not distinct from", of whose rows the planner expects one.
        brand=sql("m.brand_id = :brand_id", brand_id=scope.brand_id) if scope.brand_id else NO_BRAND,
        among=scope.among_candidates("m.customer_id"),
    )


def predicted(scope: Scope) -> Statement:
    """What the model says of buyers, over all brands and as of its last fit."""
    return sql(
        "select p.* from customer_prediction p where p.organization_id = :organization and :among",
        organization=scope.tenant,
        among=scope.among_candidates("p.customer_id"),
    )


def members(segment_id: object, scope: Scope) -> Statement:
    return sql(
        "select sm.customer_id from segment_membership sm "
        "where sm.organization_id = :organization and sm.segment_id = :segment_id and :among",
        organization=scope.tenant,
        segment_id=segment_id,
        among=scope.among_candidates("sm.customer_id"),
    )


def tagged(names: tuple[str, ...], scope: Scope, *, all_of: bool) -> Statement:
    """Customers with any, or all, of the tags."""
    return sql(
        """
        select ct.customer_id
        from customer_tag ct join tag t on t.organization_id = ct.organization_id and t.id = ct.tag_id
        where ct.organization_id = :organization and t.name = any(:names::text[]) and :among
        group by ct.customer_id having count(*) >= :least
        """,
        organization=scope.tenant,
        names=list(names),
        among=scope.among_candidates("ct.customer_id"),
        least=len(names) if all_of else 1,
    )


def tags(scope: Scope) -> Statement:
    """customer_id and texts: all tags of a customer, in order."""
    return sql(
        """
        select ct.customer_id, array_agg(t.name order by t.name) as texts
        from customer_tag ct join tag t on t.organization_id = ct.organization_id and t.id = ct.tag_id
        where ct.organization_id = :organization and :among
        group by ct.customer_id
        """,
        organization=scope.tenant,
        among=scope.among_candidates("ct.customer_id"),
    )


def current_stage(scope: Scope) -> Statement:
    """customer_id, key and entered_at of the spell at the instant."""
    return sql(
        """
        select j.customer_id, s.key, t.entered_at
        from stage_transition t
        join journey_stage s on s.organization_id = t.organization_id and s.id = t.to_stage_id
        join journey j on j.organization_id = t.organization_id and j.id = t.journey_id
        where t.organization_id = :organization and t.entered_at <= :now
          and (t.exited_at is null or t.exited_at > :now) and :among
        """,
        organization=scope.tenant,
        now=scope.now,
        among=scope.among_candidates("j.customer_id"),
    )


def in_stage(leaf: tree.StageLeaf, scope: Scope) -> Statement:
    """Customers whose spell at the instant is in one of the stages; a spell ends when the next one begins."""
    return sql(
        """
        select j.customer_id
        from stage_transition t
        join journey_stage s on s.organization_id = t.organization_id and s.id = t.to_stage_id
        join journey j on j.organization_id = t.organization_id and j.id = t.journey_id
        where t.organization_id = :organization and s.key = any(:keys::text[])
          and t.entered_at <= :now and (t.exited_at is null or t.exited_at > :now)
          and :recently and :among
        """,
        organization=scope.tenant,
        keys=list(leaf.keys),
        now=scope.now,
        recently=_since("t.entered_at", leaf.entered_within_days, scope),
        among=scope.among_candidates("j.customer_id"),
    )


# A message that was sent stays sent, whatever is learned later; FAILED and SKIPPED are what they are now. Opens and
# clicks are those of people.
_OUTCOMES = {
    tree.MessageOutcome.SENT: ("m.sent_at is not null", "m.sent_at"),
    tree.MessageOutcome.FAILED: ("m.status = 'FAILED'", "m.updated_at"),
    tree.MessageOutcome.SKIPPED: ("m.status = 'SKIPPED'", "m.updated_at"),
    tree.MessageOutcome.DELIVERED: ("m.delivered_at is not null", "m.delivered_at"),
    tree.MessageOutcome.OPENED: ("m.opened_at is not null", "m.opened_at"),
    tree.MessageOutcome.CLICKED: ("m.clicked_at is not null", "m.clicked_at"),
    tree.MessageOutcome.BOUNCED: ("m.bounced_at is not null", "m.bounced_at"),
    tree.MessageOutcome.REPLIED: ("m.replied_at is not null", "m.replied_at"),
    tree.MessageOutcome.NOT_OPENED: ("(m.opened_at < :now) is not true", "m.sent_at"),
    tree.MessageOutcome.NOT_CLICKED: ("(m.clicked_at < :now) is not true", "m.sent_at"),
}


def messaged(leaf: tree.MessageLeaf, scope: Scope) -> Statement:
    """customer_id and at: customers with such messages, and when the latest of them ended so."""
    outcome, at = _OUTCOMES[leaf.was]
    return sql(
        f"""
        select m.customer_id, max({at}) as at
        from message m join campaign p on p.organization_id = m.organization_id and p.id = m.campaign_id
        where m.organization_id = :organization and not m.is_test and {outcome} and {at} < :now
          and :recently and :channel and :campaign and :brand and :among
        group by m.customer_id
        """,
        organization=scope.tenant,
        now=scope.now,
        recently=_since(at, leaf.within_days, scope),
        channel=EVERYBODY if leaf.channel is None else sql("m.channel = :channel", channel=str(leaf.channel)),
        campaign=EVERYBODY if leaf.campaign_id is None else sql("m.campaign_id = :id", id=leaf.campaign_id),
        brand=scope.of_brand("p.brand_id"),
        among=scope.among_candidates("m.customer_id"),
    )


def consented(leaf: tree.ConsentLeaf, scope: Scope) -> Statement:
    """Customers with a consent in the state; for NEVER those with a consent in any other state."""
    never = leaf.state is tree.ConsentState.NEVER
    return sql(
        f"""
        select distinct s.customer_id from consent s
        where s.organization_id = :organization and s.channel = :channel and s.topic = :topic
          and s.state {"<>" if never else "="} :state and :brand and :among
        """,
        organization=scope.tenant,
        channel=str(leaf.channel),
        topic=leaf.topic,
        state=str(leaf.state),
        brand=_of_consent(leaf, scope),
        among=scope.among_candidates("s.customer_id"),
    )


def said(leaf: tree.ConsentLeaf, scope: Scope) -> Statement:
    """customer_id and states: what customers said on the leaf's channel and topic, whatever it was."""
    return sql(
        """
        select s.customer_id, array_agg(distinct s.state order by s.state) as states from consent s
        where s.organization_id = :organization and s.channel = :channel and s.topic = :topic and :brand and :among
        group by s.customer_id
        """,
        organization=scope.tenant,
        channel=str(leaf.channel),
        topic=leaf.topic,
        brand=_of_consent(leaf, scope),
        among=scope.among_candidates("s.customer_id"),
    )


def _of_consent(leaf: tree.ConsentLeaf, scope: Scope) -> Statement:
    brand_id = leaf.brand_id or scope.brand_id
    return EVERYBODY if brand_id is None else sql("s.brand_id = :brand_id", brand_id=brand_id)


def _since(at: str, days: int | None, scope: Scope) -> Statement:
    if days is None:
        return EVERYBODY
    start: datetime = scope.days_ago(days)
    return sql(f"{at} >= :start::timestamptz", start=start)
