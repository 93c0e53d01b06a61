set role wayfare_owner;

-- What becomes of messages concerns segments and stages that ask for it, and nobody's evaluation waits for it: whoever
-- sends only adds a row, and the next evaluation takes it (db/signals.py).
create policy definer on segment_signal for insert to wayfare_owner with check (true);
create policy definer on journey_stage for select to wayfare_owner using (true);

create function asks_for_messages(organization uuid) returns boolean language sql stable
begin atomic
    select exists (select from segment s where s.organization_id = organization and s.state = 'ACTIVE'
                     and s.condition @? 'lax $.**.message')
        or exists (select from journey_stage t where t.organization_id = organization and t.is_active
                     and t.deleted_at is null and t.condition @? 'lax $.**.message');
end;

create function signal_messages_made() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into segment_signal (organization_id, customer_id, changed)
    select distinct g.organization_id, g.customer_id, 'messages' from gained g
    where g.customer_id is not null and g.status in ('SENT', 'FAILED', 'SKIPPED')
      and (select asks_for_messages(organization_id) from gained limit 1);
    return null;
end
$$;
create trigger signal_made after insert on message referencing new table as gained
for each statement execute function signal_messages_made();

create function signal_messages_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp
as $$
begin
    insert into segment_signal (organization_id, customer_id, changed)
    select distinct g.organization_id, g.customer_id, 'messages'
    from gained g join lost l on l.organization_id = g.organization_id and l.id = g.id
    where g.customer_id is not null and g.status not in ('QUEUED', 'CLAIMED', 'SENDING')
      and (g.status, g.sent_at, g.delivered_at, g.opened_at, g.clicked_at, g.bounced_at, g.replied_at)
          is distinct from
          (l.status, l.sent_at, l.delivered_at, l.opened_at, l.clicked_at, l.bounced_at, l.replied_at)
      and (select asks_for_messages(organization_id) from gained limit 1);
    return null;
end
$$;
create trigger signal_changed after update on message referencing old table as lost new table as gained
for each statement execute function signal_messages_changed();

revoke all on function asks_for_messages, signal_messages_made, signal_messages_changed from public;

reset role;
