"""The same operation with some of its literals given as variables."""

from random import Random
from typing import Any

from graphql import (
    ArgumentNode,
    GraphQLSchema,
    NameNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    value_from_ast_untyped,
    visit,
)


def with_variables(random: Random, schema: GraphQLSchema, query: str) -> tuple[str, dict[str, Any]]:
    """An anonymous query of one operation, and the values of its variables."""
    values: dict[str, Any] = {}
    types: dict[str, str] = {}
    info = TypeInfo(schema)

    class Replace(Visitor):
        def enter_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | None:
            declared = info.get_argument()
            if info.get_directive() or declared is None or random.random() < 0.5:
                return None
            name = f"v{len(values)}"
            values[name], types[name] = value_from_ast_untyped(node.value), str(declared.type)
            return ArgumentNode(name=node.name, value=VariableNode(name=NameNode(value=name)))

    changed = print_ast(visit(parse(query), TypeInfoVisitor(info, Replace())))
    declared = ", ".join(f"${name}: {type_}" for name, type_ in types.items())
    return (f"query ({declared}) {changed.removeprefix('query')}" if types else changed), values
