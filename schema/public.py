"""What nobody in particular may ask: only the mutations by which people come in and go."""

from graphql import FieldNode, GraphQLError, OperationType, get_operation_ast, parse

PUBLIC = frozenset({"signIn", "tokenRefresh", "signOut", "invitationAccept", "passwordResetRequest", "passwordReset"})
# Strangers are not given the time, nor the place among remembered documents, that clients are.
MAX_LENGTH, MAX_TOKENS = 4_000, 400


def is_public(text: str, name: str | None) -> bool:
    """Whether the operation consists of nothing but public mutations, written out without fragments at its root."""
    if len(text) > MAX_LENGTH:
        return False
    try:
        operation = get_operation_ast(parse(text, max_tokens=MAX_TOKENS), name)
    except GraphQLError:
        return False
    if operation is None or operation.operation is not OperationType.MUTATION:
        return False
    fields = operation.selection_set.selections
    return all(isinstance(field, FieldNode) and field.name.value in PUBLIC for field in fields)
