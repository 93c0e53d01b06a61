"""What came back of each variant, counted by customers in one look at the ledger."""

# An expression over `experiment t`. A customer who was reached on several channels counts once; one who was deleted
# counts by the message. Delivered: taken by the provider and not bounced, because not every provider tells more. Opens
# and clicks by machines are in columns of their own and count nothing. Money is what last touch gives the messages.
FIGURES = """
(
with person as (
    select m.variant, m.skip_reason = 'HOLDOUT' as held,
           bool_or(m.status <> 'BOUNCED') as delivered,
           bool_or(m.opened_at is not null or m.clicked_at is not null) as opened,
           bool_or(m.clicked_at is not null) as clicked,
           bool_or(exists (select from conversion v where v.organization_id = t.organization_id
                             and v.message_id = m.id)) as converted,
           coalesce(sum((select sum(a.amount) from attribution a where a.organization_id = t.organization_id
                           and a.message_id = m.id)), 0) as revenue
    from message m
    where m.organization_id = t.organization_id and m.campaign_id = t.campaign_id and not m.is_test
      and (m.status in ('SENT', 'DELIVERED', 'OPENED', 'CLICKED', 'BOUNCED') or m.skip_reason = 'HOLDOUT')
    group by m.variant, m.skip_reason = 'HOLDOUT', coalesce(m.customer_id, m.id)),
counted as (
    select v.number,
           count(*) filter (where p.delivered) as delivered, count(p.variant) as sent,
           count(*) filter (where p.delivered and p.opened) as opened,
           count(*) filter (where p.delivered and p.clicked) as clicked,
           count(*) filter (where p.converted) as converted,
           coalesce(sum(p.revenue), 0) as revenue, coalesce(sum(p.revenue * p.revenue), 0) as squares
    from campaign_variant v
    left join person p on p.variant = v.number and p.held is not true
    where v.organization_id = t.organization_id and v.campaign_id = t.campaign_id
    group by v.number)
select jsonb_build_object(
    'metric', t.metric, 'salt', t.salt,
    'variants', (select jsonb_agg(jsonb_build_object('number', v.number, 'name', v.name, 'weight', v.weight,
                                                     'isControl', v.is_control) order by v.number)
                 from campaign_variant v
                 where v.organization_id = t.organization_id and v.campaign_id = t.campaign_id),
    'arms', (select jsonb_agg(jsonb_build_object('variant', c.number, 'delivered', c.delivered, 'sent', c.sent,
                 'opened', c.opened, 'clicked', c.clicked, 'converted', c.converted, 'revenue', c.revenue::text,
                 'squares', c.squares::text) order by c.number) from counted c),
    'holdout', case when t.holdout_share > 0 then
        (select jsonb_build_object('held', count(*) filter (where p.held),
                                   'heldConverted', count(*) filter (where p.held and p.converted),
                                   'sent', count(*) filter (where p.held is not true),
                                   'sentConverted', count(*) filter (where p.held is not true and p.converted))
         from person p) end)
)
"""
