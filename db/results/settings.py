"""What an organization wants to know of its messages, and how money is attributed to them."""

from dataclasses import dataclass
from datetime import timedelta

from db.database import Transaction
from db.records import columns_of
from domain.results.conversions import Start


@dataclass(frozen=True, slots=True)
class MessagingSetting:
    """Without a row it is these defaults."""

    track_opens: bool = True
    track_clicks: bool = True
    attribution_window: timedelta = timedelta(days=5)
    attribution_from: str = Start.SENT


async def messaging_setting(tx: Transaction) -> MessagingSetting:
    found = await tx.record(
        MessagingSetting,
        f"select {columns_of(MessagingSetting)} from messaging_setting t where t.organization_id = :organization",
    )
    return found or MessagingSetting()


async def set_messaging(tx: Transaction, setting: MessagingSetting) -> None:
    await tx.run(
        """
        insert into messaging_setting (organization_id, track_opens, track_clicks, attribution_window, attribution_from)
        values (:organization, :opens, :clicks, :window, :starts)
        on conflict (organization_id) do update
        set track_opens = excluded.track_opens, track_clicks = excluded.track_clicks,
            attribution_window = excluded.attribution_window, attribution_from = excluded.attribution_from,
            updated_at = clock_timestamp()
        """,
        opens=setting.track_opens,
        clicks=setting.track_clicks,
        window=setting.attribution_window,
        starts=setting.attribution_from,
    )
