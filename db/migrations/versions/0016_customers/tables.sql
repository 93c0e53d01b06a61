-- Customers: one who turned out to be two, and all that happened to one in order.
set role wayfare_owner;

reset role;
