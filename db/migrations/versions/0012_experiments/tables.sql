-- Experiments: variants and what was decided.
set role wayfare_owner;

reset role;
