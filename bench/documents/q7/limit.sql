with page as materialized (
    select c.id, c.external_id as "externalId", c.name, c.email, c.city, c.country,
           c.loyalty_level as "loyaltyLevel", c.created_at as "createdAt"
    from customer c
    where (c.created_at, c.id) > ($1::text::timestamptz, $2::text::uuid)
    order by c.created_at, c.id
    limit 51
)
select json_build_object('data', json_build_object('customers', json_build_object(
    'nodes', (select coalesce(json_agg(n), '[]') from (select * from page limit 50) n),
    'pageInfo', json_build_object(
        'hasNextPage', (select count(*) > 50 from page),
        'endCursor', (select array["createdAt"::text, id::text] from page offset 49 limit 1)))))
