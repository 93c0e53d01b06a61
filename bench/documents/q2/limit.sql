select json_build_object('data', json_build_object('customers', json_build_object('nodes', coalesce(json_agg(n), '[]'))))
from (
    select c.id, c.external_id as "externalId", c.name,
           (select row_to_json(o) from (
                select j.stage_entered_at as "stageEnteredAt",
                       (select row_to_json(o) from (
                            select s.key, s.name from journey_stage s where s.id = j.stage_id) o) as stage,
                       (select json_build_object('nodes', coalesce(json_agg(o), '[]')) from (
                            select t.entered_at as "enteredAt", t.trigger, json_build_object('key', s.key) as "toStage"
                            from (select * from stage_transition t where t.journey_id = j.id
                                  order by t.seq desc limit 5) t
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
                select m.status, m.sent_at as "sentAt", json_build_object('name', g.name) as campaign
                from (select * from message m where m.customer_id = c.id order by m.id desc limit 5) m
                join campaign g on g.id = m.campaign_id
                order by m.id desc) o) as messages
    from (select * from customer c order by c.created_at, c.id limit 50) c
    order by c.created_at, c.id
) n
