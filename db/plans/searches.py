"""SQL for a connection that is searched: who matches is looked up in the statement that reads the page."""

from db.plans.windows import SEARCH
from db.searches import SOURCE
from db.statement import Statement, sql


def searched(page: Statement) -> Statement:
    """A statement of one value, `page`, with SOURCE around it; NULL where it finds more than the page is made for."""
    return sql(
        "select (select case when cardinality(looked.ids) <= looked.most then (:page) end from (:source) looked)",
        page=page,
        source=Statement(SOURCE, SEARCH),
    )
