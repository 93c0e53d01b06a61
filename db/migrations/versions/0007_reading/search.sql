set role wayfare_owner;

-- The ids of the organization's customers whose search text contains every word, at most so many, in no order.
-- A definer, because under row-level security LIKE may not look into an index: it could tell of rows it does not show.
-- This one names the organization itself, and what it finds is read under the policies by whoever asked.
-- Four words look into the index, as many as people type; further ones are compared with what those found.
create function find_customers(words text[], most integer) returns uuid[]
language plpgsql stable strict security definer set search_path = public, pg_temp
as $$
declare
    patterns text[] := array(
        select '%' || replace(replace(replace(fold(word), '\', '\\'), '%', '\%'), '_', '\_') || '%'
        from unnest(words) word
        order by length(word) desc);
begin
    return array(
        select c.id
        from customer c
        where c.organization_id = current_organization()
          and c.search_text like patterns[1]
          and c.search_text like coalesce(patterns[2], patterns[1])
          and c.search_text like coalesce(patterns[3], patterns[1])
          and c.search_text like coalesce(patterns[4], patterns[1])
          and c.search_text like all (patterns)
        limit most);
end
$$;
create policy definer on customer for select to wayfare_owner using (true);
revoke all on function find_customers from public;
grant execute on function find_customers to wayfare_app, wayfare_limited;

reset role;
