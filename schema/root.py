"""The root types: what each noun contributes; adding a noun is one base class here."""

import strawberry

from schema.api_keys import ApiKeyMutations, ApiKeyQueries
from schema.bulk import BulkMutations, BulkQueries
from schema.conditions import ConditionFieldQueries
from schema.customers import CustomerQueries
from schema.node import NodeQueries
from schema.notes import NoteMutations
from schema.organization import OrganizationMutations, OrganizationQueries
from schema.preview import PreviewQueries
from schema.profiles import ProfileMutations
from schema.tags import TagMutations, TagQueries


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQueries,
    OrganizationQueries,
    ApiKeyQueries,
    CustomerQueries,
    TagQueries,
    ConditionFieldQueries,
    PreviewQueries,
    BulkQueries,
):
    pass


@strawberry.type(description="Everything that can be done; each field is one transaction, and they run in order.")
class Mutation(OrganizationMutations, ApiKeyMutations, ProfileMutations, TagMutations, NoteMutations, BulkMutations):
    pass
