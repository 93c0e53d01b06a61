"""The stages of an organization: read, made, changed and closed."""

from db.stages.defaults import ensure_default_stages
from db.stages.records import STAGE_BY_ID, STAGES, VERSIONS_OF_STAGE, Stage, StageVersion, find_stage, list_stages
from db.stages.uses import require_independent, require_unused
from db.stages.writing import close_stage, create_stage, customers_in, hold_stages, keep_stages, reorder, update_stage

__all__ = [
    "STAGES",
    "STAGE_BY_ID",
    "VERSIONS_OF_STAGE",
    "Stage",
    "StageVersion",
    "close_stage",
    "create_stage",
    "customers_in",
    "ensure_default_stages",
    "find_stage",
    "hold_stages",
    "keep_stages",
    "list_stages",
    "reorder",
    "require_independent",
    "require_unused",
    "update_stage",
]
