-- Experiments: variants and what was decided.
set role wayfare_owner;

-- When people were last told that an experiment waits for their decision.
alter table experiment add column reminded_at timestamptz;

reset role;
