"""How many customers stand in each stage: stored, kept by triggers, and set right should it ever differ."""

from db.database import Transaction


async def recount(tx: Transaction) -> int:
    """Adds to each stage's stored count by how much it differs from its journeys; returns how many differed.

    Both are of one snapshot, and what moves meanwhile adds its own change, so nobody has to wait.
    """
    rows = await tx.rows(
        """
        insert into journey_count as c (organization_id, stage_id, part, customers)
        select s.organization_id, s.id, 0, coalesce(j.customers, 0) - coalesce(k.customers, 0)
        from journey_stage s
        left join (select stage_id, count(*) as customers from journey
                   where organization_id = :organization group by 1) j on j.stage_id = s.id
        left join (select stage_id, sum(customers) as customers from journey_count
                   where organization_id = :organization group by 1) k on k.stage_id = s.id
        where s.organization_id = :organization and coalesce(j.customers, 0) <> coalesce(k.customers, 0)
        order by s.id
        on conflict (organization_id, stage_id, part) do update set customers = c.customers + excluded.customers
        returning stage_id
        """
    )
    return len(rows)
