// What caches want to know of the schema, asked of the server itself.
import { type IntrospectionQuery, getIntrospectionQuery } from "graphql";
import { headers, url } from "./server";

export async function introspected(): Promise<IntrospectionQuery> {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ query: getIntrospectionQuery() }),
  });
  const answer = (await response.json()) as { data: IntrospectionQuery };
  return answer.data;
}

/** The object types of each interface, for Apollo Client. */
export async function possibleTypes(): Promise<Record<string, string[]>> {
  const { __schema: schema } = await introspected();
  return Object.fromEntries(
    schema.types.flatMap((type) =>
      type.kind === "INTERFACE" || type.kind === "UNION"
        ? [[type.name, type.possibleTypes.map((possible) => possible.name)]]
        : [],
    ),
  );
}
