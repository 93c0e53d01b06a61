"""Campaigns as they are stored: drafts change, every other change of status is a compare-and-set."""

from db.campaigns.drafts import Draft, change_campaign, create_campaign, delete_draft
from db.campaigns.moves import complete, hold_open, move, note_trouble
from db.campaigns.operations import begin_operation, end_operation
from db.campaigns.records import (
    CAMPAIGN_BY_ID,
    CAMPAIGNS,
    EXCLUDED_SEGMENTS_OF_CAMPAIGN,
    INCLUDED_SEGMENTS_OF_CAMPAIGN,
    Campaign,
    find_campaign,
    matching,
    unusable_segments,
)
from db.campaigns.starts import (
    CAMPAIGN,
    SEND_JOB,
    SNAPSHOT_JOB,
    START_JOB,
    due_campaigns,
    fix_audience,
    request_sending,
    request_start,
    schedule,
    start,
    unschedule,
)

__all__ = [
    "CAMPAIGN",
    "CAMPAIGNS",
    "CAMPAIGN_BY_ID",
    "EXCLUDED_SEGMENTS_OF_CAMPAIGN",
    "INCLUDED_SEGMENTS_OF_CAMPAIGN",
    "SEND_JOB",
    "SNAPSHOT_JOB",
    "START_JOB",
    "Campaign",
    "Draft",
    "begin_operation",
    "change_campaign",
    "complete",
    "create_campaign",
    "delete_draft",
    "due_campaigns",
    "end_operation",
    "find_campaign",
    "fix_audience",
    "hold_open",
    "matching",
    "move",
    "note_trouble",
    "request_sending",
    "request_start",
    "schedule",
    "start",
    "unschedule",
    "unusable_segments",
]
