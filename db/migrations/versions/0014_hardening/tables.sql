-- Hardening: recovery of accounts and bounds.
set role wayfare_owner;

reset role;
