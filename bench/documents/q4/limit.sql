select json_build_object('data', json_build_object('customer', row_to_json(n)))
from (
    select c.id, c.external_id as "externalId", c.name, c.email, c.phone, c.date_of_birth as "dateOfBirth", c.city,
           c.country, c.loyalty_level as "loyaltyLevel", c.acquired_at as "acquiredAt",
           (select row_to_json(o) from (
                select x.lifetime_value::text as "lifetimeValue",
                       x.order_count as "orderCount", x.appointment_count as "appointmentCount",
                       x.first_order_at as "firstOrderAt", x.last_order_at as "lastOrderAt"
                from customer_metrics x where x.customer_id = c.id and x.brand_id is null) o) as metrics,
           (select row_to_json(o) from (
                select j.stage_entered_at as "stageEnteredAt",
                       (select row_to_json(o) from (
                            select s.key, s.name from journey_stage s where s.id = j.stage_id) o) as stage,
                       (select json_build_object('nodes', coalesce(json_agg(o), '[]')) from (
                            select t.entered_at as "enteredAt", t.exited_at as "exitedAt", t.trigger,
                                   json_build_object('key', s.key) as "toStage"
                            from (select * from stage_transition t where t.journey_id = j.id
                                  order by t.seq desc limit 10) t
                            join journey_stage s on s.id = t.to_stage_id
                            order by t.seq desc) o) as transitions
                from journey j where j.customer_id = c.id) o) as journey,
           (select json_build_object('nodes', coalesce(json_agg(o), '[]')) from (
                select m.entered_at as "enteredAt", json_build_object('name', s.name) as segment
                from (select * from segment_membership m where m.customer_id = c.id
                      order by m.entered_at desc, m.segment_id desc limit 20) m
                join segment s on s.id = m.segment_id
                order by m.entered_at desc, m.segment_id desc) o) as segments,
           (select json_build_object('nodes', coalesce(json_agg(o), '[]')) from (
                select f.occurred_at as "occurredAt", f.status, f.amount::text as amount
                from fact f where f.customer_id = c.id and f.kind = 'ORDER'
                order by f.occurred_at desc, f.id desc limit 5) o) as orders,
           (select json_build_object('nodes', coalesce(json_agg(o), '[]')) from (
                select m.status, m.sent_at as "sentAt", json_build_object('name', g.name) as campaign
                from (select * from message m where m.customer_id = c.id order by m.id desc limit 10) m
                join campaign g on g.id = m.campaign_id
                order by m.id desc) o) as messages,
           (select json_build_object('nodes', coalesce(json_agg(o), '[]')) from (
                select t.body, t.author, t.created_at as "createdAt"
                from customer_note t where t.customer_id = c.id
                order by t.created_at desc, t.id desc limit 10) o) as notes
    from customer c where c.id = $1::text::uuid
) n
