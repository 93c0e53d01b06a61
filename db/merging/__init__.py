"""Merging customers: everything of one becomes another's, by set statements in one transaction."""

from db.merging.merge import Expected, merge_customers

__all__ = ["Expected", "merge_customers"]
