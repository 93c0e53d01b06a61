select json_build_object('data', json_build_object('stageDistribution', json_agg(n)))
from (
    select coalesce(j.customers, 0)::integer as customers, json_build_object('key', s.key, 'name', s.name) as stage
    from journey_stage s
    left join (select stage_id, sum(customers) as customers from journey_count group by stage_id) j on j.stage_id = s.id
    order by s.position
) n
