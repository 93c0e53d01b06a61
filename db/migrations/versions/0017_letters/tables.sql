-- Letters: what comes back by mail, and what is said of sending.
set role wayfare_owner;

reset role;
