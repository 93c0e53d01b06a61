"""Quiet hours in SQL: domain/quiet_hours.py for many messages at once."""

from uuid import UUID

from db.campaigns import Campaign
from db.local_times import customer_of, zone_of
from db.statement import Statement, sql
from domain.restraints import Restraint


def keeps_hours(campaign: Campaign) -> bool:
    """Whether there are hours in which the campaign's messages wait; transactional ones go at any hour."""
    return campaign.restraint.quiet_from is not None and campaign.class_ == "MARKETING"


def quiet(campaign: Campaign, organization_id: UUID, messages: Statement) -> Statement:
    """Of these messages (id, customer_id, now) those that fall into quiet hours: `id`, and `until` when."""
    return sql(
        "select q.id, q.until from (select m.id, :until as until from (:located) m) q where q.until is not null",
        until=ends(campaign.restraint),
        located=sql(
            """
            select g.id, g.now, :zone as zone from (:messages) g cross join lateral (:customer) cu
            """,
            messages=messages,
            customer=customer_of(organization_id),
            zone=zone_of(campaign, "cu.timezone"),
        ),
    )


def ends(restraint: Restraint) -> Statement:
    """When the quiet hours end that m.now falls into by the clocks of m.zone; NULL if it falls into none."""
    return sql(
        """
        case when case when :begin::time < :end::time
                       then (m.now at time zone m.zone)::time >= :begin and (m.now at time zone m.zone)::time < :end
                       else (m.now at time zone m.zone)::time >= :begin or (m.now at time zone m.zone)::time < :end end
             then ((m.now at time zone m.zone)::date + :end::time
                   + case when (m.now at time zone m.zone)::time >= :end then interval '1 day' else interval '0' end)
                  at time zone m.zone end
        """,
        begin=restraint.quiet_from,
        end=restraint.quiet_until,
    )
