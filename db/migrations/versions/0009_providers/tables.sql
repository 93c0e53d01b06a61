-- Providers: accounts and devices.
set role wayfare_owner;

reset role;
