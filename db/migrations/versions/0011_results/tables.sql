-- Results: callbacks, links, replies, conversions and costs.
set role wayfare_owner;

reset role;
