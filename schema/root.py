"""The root types: what each noun contributes; adding a noun is one base class here."""

import strawberry

from schema.api_keys import ApiKeyMutations, ApiKeyQueries
from schema.customers import CustomerMutations, CustomerQueries
from schema.node import NodeQueries
from schema.organization import OrganizationMutations, OrganizationQueries


@strawberry.type(description="Everything that can be read.")
class Query(NodeQueries, OrganizationQueries, ApiKeyQueries, CustomerQueries):
    pass


@strawberry.type(description="Everything that can be done; each field is one transaction, and they run in order.")
class Mutation(OrganizationMutations, ApiKeyMutations, CustomerMutations):
    pass
