"""Which events of messages are people's doing, judged by all the events of each message."""

# Of the messages :ids: judged (provider, event_id, message_id, type, at, bounce_kind, is_machine). Mail scanners follow
# links while a mail comes in, and several at once; no person does. What a provider calls the delivery is told by its
# own clock, so a click may come a little before it. The organization is hidden from the planner where a few rows are
# looked up by key (db/references.py says why).
JUDGED = """
event as (
    select e.*, min(e.at) filter (where e.type = 'DELIVERED') over (partition by e.message_id) as delivery_at
    from message_event e
    where e.organization_id = (select :organization::uuid) and e.message_id = any(:ids::uuid[])
), judged as (
    select e.provider, e.event_id, e.message_id, e.type, e.at, e.bounce_kind,
           e.is_machine or e.type = 'CLICKED' and (
               e.at between e.delivery_at - interval '1 minute' and e.delivery_at + interval '2 seconds'
               or (select count(distinct o.link_id) from message_event o
                   where o.organization_id = (select :organization::uuid) and o.message_id = e.message_id
                     and o.type = 'CLICKED'
                     and o.at between e.at - interval '1 second' and e.at + interval '1 second') >= 3
           ) is true as is_machine
    from event e
)
"""
