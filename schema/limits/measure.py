"""The size of a document in one pass: fragments are measured once each, so the work is linear in the text.

Expanding fragments instead is what made the limiters of others the weapon: sizes are relative to the fragment, which
is why they may be remembered (absolute depths may not), and a fragment that is being measured counts nothing, because
the rules about cycles refuse such a document anyway.
"""

from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)

from schema.limits.bounds import Bounds

# More than any bound, and small enough that doubling it sixty times stays cheap.
_CAP = 1_000_000
_INTROSPECTION = ("__schema", "__type")


@dataclass(slots=True)
class Size:
    """Of a selection, with everything beneath it."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0

    def add(self, other: "Size") -> None:
        self.depth = max(self.depth, other.depth)
        self.fields = min(_CAP, self.fields + other.fields)
        self.aliases = min(_CAP, self.aliases + other.aliases)
        self.directives = min(_CAP, self.directives + other.directives)
        self.root_fields = min(_CAP, self.root_fields + other.root_fields)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.introspection_fields = min(_CAP, self.introspection_fields + other.introspection_fields)


@dataclass(slots=True)
class _Measuring:
    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Size] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)

    def selections(self, node: SelectionSetNode | None) -> Size:
        total = Size()
        for selection in node.selections if node else ():
            if isinstance(selection, FieldNode):
                total.add(self._field(selection))
            elif isinstance(selection, InlineFragmentNode):
                total.add(self.selections(selection.selection_set))
            elif isinstance(selection, FragmentSpreadNode):
                total.add(self.fragment(selection.name.value))
            total.directives = min(_CAP, total.directives + len(selection.directives or ()))
        return total

    def fragment(self, name: str) -> Size:
        if name not in self.known:
            if name in self.busy or name not in self.fragments:
                return Size()
            self.busy.add(name)
            definition = self.fragments[name]
            size = self.selections(definition.selection_set)
            size.directives += len(definition.directives or ())
            self.busy.discard(name)
            self.known[name] = size
        return self.known[name]

    def _field(self, node: FieldNode) -> Size:
        below = self.selections(node.selection_set)
        alias = 1 if node.alias else 0
        if node.name.value in _INTROSPECTION:
            return Size(
                depth=1,
                fields=1,
                aliases=alias + below.aliases,
                directives=below.directives,
                root_fields=1,
                introspection_depth=1 + below.depth,
                introspection_fields=1 + below.fields,
            )
        return Size(
            depth=below.depth + 1,
            fields=below.fields + 1,
            aliases=below.aliases + alias,
            directives=below.directives,
            root_fields=1,
            introspection_depth=below.introspection_depth and below.introspection_depth + 1,
            introspection_fields=below.introspection_fields,
        )


def measure(document: DocumentNode, bounds: Bounds) -> list[GraphQLError]:
    """What is too large, of the first definition that is; fragments are held to the bounds although nothing uses them.

    Each error has its code in the extensions: MAX_DEPTH_EXCEEDED and so on.
    """
    definitions = document.definitions
    operations = sum(isinstance(one, OperationDefinitionNode) for one in definitions)
    if operations > bounds.operations:
        return [
            too_much("OPERATIONS", f"The document has {operations:,} operations; the most is {bounds.operations:,}.")
        ]
    fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
    measuring = _Measuring(fragments)
    for definition in definitions:
        if isinstance(definition, OperationDefinitionNode):
            size = measuring.selections(definition.selection_set)
            size.directives += _directives_of(definition)
        elif isinstance(definition, FragmentDefinitionNode):
            size = measuring.fragment(definition.name.value)
        else:
            continue
        if errors := _judged(definition, size, bounds):
            return errors
    return []


def _directives_of(definition: OperationDefinitionNode) -> int:
    variables = definition.variable_definitions or ()
    return len(definition.directives or ()) + sum(len(one.directives or ()) for one in variables)


def _judged(node: Node, size: Size, bounds: Bounds) -> list[GraphQLError]:
    # How deep a fragment is and whether it is at the root depends on where it is spread.
    whole = isinstance(node, OperationDefinitionNode)
    found = [
        ("DEPTH", "levels of fields", size.depth if whole else 0, bounds.depth),
        ("DEPTH", "levels of introspection", size.introspection_depth, bounds.introspection_depth),
        ("ALIASES", "aliases", size.aliases, bounds.aliases),
        ("ROOT_FIELDS", "root fields", size.root_fields if whole else 0, bounds.root_fields),
        ("FIELDS", "fields", size.fields, bounds.fields),
        ("FIELDS", "fields of introspection", size.introspection_fields, bounds.introspection_fields),
        ("DIRECTIVES", "directives", size.directives, bounds.directives),
    ]
    return [
        too_much(name, f"The operation has {_told(had)} {what}; the most is {most:,}.", node)
        for name, what, had, most in found
        if had > most
    ]


def too_much(name: str, message: str, node: Node | None = None) -> GraphQLError:
    return GraphQLError(message, node, extensions={"code": f"MAX_{name}_EXCEEDED"})


def _told(size: int) -> str:
    return f"more than {_CAP:,}" if size >= _CAP else f"{size:,}"
