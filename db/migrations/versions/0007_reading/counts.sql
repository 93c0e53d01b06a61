set role wayfare_owner;

-- How many customers stand in each stage, kept by triggers, because counting every journey each time somebody
-- looks costs the more the more there are. The sum over the parts counts; connections write to different parts, so that two
-- who move customers into the same stage seldom wait for each other.
create table journey_count (
    organization_id UUID NOT NULL,
    stage_id UUID NOT NULL,
    part INTEGER NOT NULL,
    customers BIGINT NOT NULL,
    CONSTRAINT journey_count_pkey PRIMARY KEY (organization_id, stage_id, part),
    CONSTRAINT journey_count_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organization (id),
    CONSTRAINT journey_count_organization_id_stage_id_fkey FOREIGN KEY(organization_id, stage_id)
        REFERENCES journey_stage (organization_id, id) ON DELETE CASCADE
) with (fillfactor = 50);
select protect_tenant_table('journey_count');
-- Over all brands: callers of some brands count the journeys they see.
select limit_to_brands('journey_count', 'false', 'select');
create policy definer on journey_count to wayfare_owner using (true) with check (true);

-- One trigger a kind of statement, because each kind knows other transition tables; once a statement, not once a row.
do $$
declare
    kind text;
    changed text;
begin
    foreach kind in array array['insert', 'update', 'delete'] loop
        changed := case kind
            when 'insert' then 'select organization_id, stage_id, 1 as change from gained'
            when 'delete' then 'select organization_id, stage_id, -1 as change from lost'
            else 'select organization_id, stage_id, 1 as change from gained '
                 'union all select organization_id, stage_id, -1 from lost' end;
        execute format($definition$
            create function count_journeys_on_%1$s() returns trigger
            language plpgsql security definer set search_path = public, pg_temp
            as $body$
            begin
                insert into journey_count as c (organization_id, stage_id, part, customers)
                select organization_id, stage_id, pg_backend_pid() %% 32, sum(change)
                from (%2$s) changed
                group by 1, 2
                having sum(change) <> 0
                order by 1, 2
                on conflict (organization_id, stage_id, part) do update set customers = c.customers + excluded.customers;
                return null;
            end
            $body$;
            create trigger count_journeys after %1$s on journey referencing %3$s
            for each statement execute function count_journeys_on_%1$s()
            $definition$,
            kind, changed,
            case kind when 'insert' then 'new table as gained' when 'delete' then 'old table as lost'
                      else 'new table as gained old table as lost' end);
        execute format('alter trigger count_journeys on journey rename to count_journeys_on_%s', kind);
        execute format('revoke all on function count_journeys_on_%s from public', kind);
    end loop;
end
$$;

insert into journey_count (organization_id, stage_id, part, customers)
select organization_id, stage_id, 0, count(*) from journey group by 1, 2;

reset role;
