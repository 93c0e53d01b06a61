// The schema's definition language against @graphql-eslint: its recommended rules, Relay's conventions, and a
// description on everything.
import { fileURLToPath } from "node:url";
import graphql from "@graphql-eslint/eslint-plugin";

const schema = fileURLToPath(new URL("../../schema/schema.graphql", import.meta.url));
const { configs } = graphql;
const recommended = configs["flat/schema-recommended"].rules;
const [, styles] = recommended["@graphql-eslint/naming-convention"];
const everything = {
  types: true,
  rootField: true,
  // @oneOf is the specification's own.
  DirectiveDefinition: false,
  EnumValueDefinition: true,
  FieldDefinition: true,
  InputValueDefinition: true,
};

export default [
  {
    files: ["**/*.graphql"],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...recommended,
      ...configs["flat/schema-relay"].rules,
      "@graphql-eslint/require-description": ["error", everything],
      "@graphql-eslint/naming-convention": [
        "error",
        // Filters are joined by AND, OR and NOT, as in Saleor's and Prisma's inputs.
        { ...styles, InputValueDefinition: { style: "camelCase", ignorePattern: "^(AND|OR|NOT)$" } },
      ],
      // Values such as PageInfo, Money and payloads have no identity.
      "@graphql-eslint/strict-id-in-types": "off",
      // Small lists need no pages, and rows such as refusals have no identity; Relay's specification wants neither.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false }],
      "@graphql-eslint/require-field-of-type-query-in-mutation-result": "error",
    },
  },
];
