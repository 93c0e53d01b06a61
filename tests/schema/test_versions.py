"""Two who change the same thing: the later one is told, with the version there is, wherever a thing can be changed."""

from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type

from schema.build import schema
from tests.api import Api
from tests.schema.test_profiles import refused

GRAPHQL = schema._schema
# Switches that stand for themselves: whoever sets one leaves what others set beside it, so nobody's change is lost.
OTHERWISE = {"apiKeyUpdate", "messagingSettingsUpdate"}


def test_every_update_takes_the_version_it_expects_and_may_be_stale() -> None:
    assert GRAPHQL.mutation_type is not None
    without = set()
    for name, field in GRAPHQL.mutation_type.fields.items():
        if not name.endswith("Update"):
            continue
        given: Any = get_named_type(field.args["input"].type)
        payload: Any = get_named_type(field.type)
        errors: Any = get_named_type(payload.fields["userErrors"].type)
        codes = errors.fields["code"].type.of_type
        assert isinstance(given, GraphQLInputObjectType)
        assert isinstance(codes, GraphQLEnumType)
        if "expectedVersion" not in given.fields or "STALE" not in codes.values:
            without.add(name)
    assert without == OTHERWISE


async def test_the_version_there_is_is_told(api: Api) -> None:
    made = """mutation ($name: String!) { customerUpsert(input: {externalId: "a", name: $name}) {
      customer { id version } userErrors { code } } }"""
    update = """mutation ($id: ID!, $v: Int) {
      customerUpdate(input: {customerId: $id, name: "mine", expectedVersion: $v}) {
        customer { id } userErrors { code message field currentVersion } } }"""
    customer = (await api(made, name="x"))["data"]["customerUpsert"]["customer"]
    now = (await api(made, name="y"))["data"]["customerUpsert"]["customer"]["version"]
    told = (await api(update, id=customer["id"], v=customer["version"]))["data"]["customerUpdate"]
    assert refused(told) == [("STALE", "input.expectedVersion")]
    assert told["userErrors"][0]["currentVersion"] == now > customer["version"]
    assert (await api(update, id=customer["id"], v=now))["data"]["customerUpdate"]["customer"]
