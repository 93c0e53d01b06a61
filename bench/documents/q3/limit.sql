select json_build_object('data', json_build_object('segment', row_to_json(n)))
from (
    select s.id, s.name, s.member_count as "memberCount",
           (select json_build_object('nodes', coalesce(json_agg(o), '[]')) from (
                select m.entered_at as "enteredAt", m.source,
                       json_build_object('id', c.id, 'name', c.name, 'email', c.email, 'metrics', json_build_object(
                           'lifetimeValue', x.lifetime_value::text,
                           'orderCount', x.order_count, 'lastOrderAt', x.last_order_at)) as customer
                from (select * from segment_membership m where m.segment_id = s.id
                      order by m.entered_at desc, m.customer_id desc limit 100) m
                join customer c on c.id = m.customer_id
                join customer_metrics x on x.customer_id = m.customer_id and x.brand_id is null
                order by m.entered_at desc, m.customer_id desc) o) as members
    from segment s where s.id = $1::text::uuid
) n
