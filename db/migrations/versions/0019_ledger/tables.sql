-- Ledger: what a message costs.
set role wayfare_owner;

-- The ledger, and what else a campaign, an import or a merge fills: an audience is in it at once, and its messages are
-- sent before autovacuum comes round.
create or replace function keep_statistics() returns void
language plpgsql volatile security definer set search_path = public, pg_temp
as $$
declare
    name regclass;
begin
    for name in
        select c.oid
        from pg_class c
        where c.oid = any(array['attribution', 'campaign_recipient', 'consent', 'consent_change', 'conversion', 'customer',
                                'customer_brand', 'customer_metrics', 'customer_tag', 'dirty_customer', 'fact',
                                'fact_item', 'journey', 'message', 'message_event', 'segment_due', 'segment_membership',
                                'segment_membership_change', 'segment_override', 'segment_signal', 'stage_transition',
                                'suppression']::regclass[])
          and pg_relation_size(c.oid) > 2 * greatest(c.relpages, 8) * current_setting('block_size')::bigint
    loop
        execute format('analyze %s', name);
    end loop;
end
$$;

reset role;
