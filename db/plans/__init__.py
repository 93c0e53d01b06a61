"""One statement for a reading and everything selected beneath it: a tree of what to select, written as SQL that
answers with JSON text (docs/planner.md has a drawn example)."""
