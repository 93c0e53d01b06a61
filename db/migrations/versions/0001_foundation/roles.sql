-- wayfare_owner owns every object and never logs in; wayfare_app is what the product acts as and owns nothing.
do $$
declare
    name text;
begin
    foreach name in array array['wayfare_owner', 'wayfare_app'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin nosuperuser nobypassrls', name);
        end if;
        if not pg_has_role(current_user, name, 'member') then
            execute format('grant %I to current_user', name);
        end if;
    end loop;
    execute format('grant create, connect on database %I to wayfare_owner', current_database());
    execute format('grant connect on database %I to wayfare_app', current_database());
end
$$;
grant usage, create on schema public to wayfare_owner;
grant usage on schema public to wayfare_app;

create extension if not exists pg_trgm;
create extension if not exists unaccent;

-- Everything in the files below belongs to the owner role.
set role wayfare_owner;
