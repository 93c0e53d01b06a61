with page as materialized (
    select c.id, c.external_id as "externalId", c.name, c.email, c.city, c.country,
           c.loyalty_level as "loyaltyLevel", c.created_at as "createdAt"
    from customer c
    where c.id in (select peers.find_customers($1::text, $2::text))
    order by c.name collate "C", c.id
    limit 51
)
select json_build_object('data', json_build_object('customers', json_build_object(
    'nodes', (select coalesce(json_agg(n), '[]') from (select * from page limit 50) n),
    'pageInfo', json_build_object(
        'hasNextPage', (select count(*) > 50 from page),
        'endCursor', (select array["name"::text, id::text] from page offset 49 limit 1)))))
