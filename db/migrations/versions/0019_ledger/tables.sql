-- Ledger: what a message costs.
set role wayfare_owner;

reset role;
