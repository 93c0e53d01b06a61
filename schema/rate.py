"""What the caller may still ask for."""

import strawberry

from schema.fields import Info


@strawberry.type(description="The caller's budget of points; what an operation cost is in `extensions.cost`.")
class RateLimit:
    limit: int = strawberry.field(description="The most points there can be.")
    remaining: int = strawberry.field(description="The points there are now.")
    restore_rate: int = strawberry.field(description="The points that come back each second.")
    requested: int = strawberry.field(description="What this operation was charged, as if every page were full.")


@strawberry.type
class RateQueries:
    @strawberry.field(description="The caller's rate limit; null where there is none.")
    def rate_limit(self, info: Info) -> RateLimit | None:
        meter = info.context.meter
        allowed = meter.allowance
        if allowed is None:
            return None
        return RateLimit(
            limit=allowed.limit,
            remaining=allowed.remaining,
            restore_rate=allowed.restore_rate,
            requested=meter.requested,
        )
