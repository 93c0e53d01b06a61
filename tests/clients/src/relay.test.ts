// Relay: the compiler takes the schema, the runtime refetches objects by node and walks connections into its store.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConnectionHandler,
  Environment,
  Network,
  RecordSource,
  Store,
  commitMutation,
  createOperationDescriptor,
  fetchQuery,
  getSingularSelector,
  type GraphQLTaggedNode,
  type OperationType,
  type RequestParameters,
  type Variables,
} from "relay-runtime";
import addNote, { type documentsAddNoteMutation } from "./relay/__generated__/documentsAddNoteMutation.graphql";
import refetch, { type documentsCardRefetchQuery } from "./relay/__generated__/documentsCardRefetchQuery.graphql";
import card from "./relay/__generated__/documentsCard_customer.graphql";
import morePages, { type documentsListPaginationQuery } from "./relay/__generated__/documentsListPaginationQuery.graphql";
import notes, { type documentsNotesQuery } from "./relay/__generated__/documentsNotesQuery.graphql";
import page, { type documentsPageQuery } from "./relay/__generated__/documentsPageQuery.graphql";
import update, { type documentsUpdateMutation } from "./relay/__generated__/documentsUpdateMutation.graphql";
import { headers, url } from "./server";

async function ask(request: RequestParameters, variables: Variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: request.text, variables }),
  });
  return response.json();
}

function environment(): Environment {
  return new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
}

function get<T extends OperationType>(
  relay: Environment,
  query: GraphQLTaggedNode,
  variables: T["variables"],
): Promise<T["response"]> {
  relay.retain(createOperationDescriptor(query as Parameters<typeof createOperationDescriptor>[0], variables));
  return fetchQuery<T>(relay, query, variables).toPromise() as Promise<T["response"]>;
}

function edges(relay: Environment, parent: string, key: string): string[] {
  const found: string[] = [];
  relay.commitUpdate((store) => {
    const owner = store.get(parent);
    assert(owner);
    const connection = ConnectionHandler.getConnection(owner, key, { orderBy: { field: "NAME" } });
    assert(connection, `no connection ${key}`);
    for (const edge of connection.getLinkedRecords("edges") ?? []) {
      const id = edge.getLinkedRecord("node")?.getDataID();
      if (id) found.push(id);
    }
  });
  return found;
}

test("a connection grows page by page, each row once", async () => {
  const relay = environment();
  await get<documentsPageQuery>(relay, page, { first: 5 });
  assert.equal(edges(relay, "client:root", "documentsList_customers").length, 5);
  let after = lastCursor(relay);
  for (const size of [5, 7]) {
    await get<documentsListPaginationQuery>(relay, morePages, { first: size, after });
    after = lastCursor(relay);
  }
  const ids = edges(relay, "client:root", "documentsList_customers");
  assert.equal(ids.length, 17);
  assert.equal(new Set(ids).size, 17);
});

test("an object is fetched again by its id alone", async () => {
  const relay = environment();
  await get<documentsPageQuery>(relay, page, { first: 1 });
  const [id] = edges(relay, "client:root", "documentsList_customers");
  assert(id);
  const data = await get<documentsCardRefetchQuery>(relay, refetch, { id });
  assert(data.node);
  const selector = getSingularSelector(card, data.node);
  assert(selector);
  const shown = relay.lookup(selector);
  assert.equal(shown.isMissingData, false);
});

test("a mutation's payload reaches the store, and a new node is put into a connection", async () => {
  const relay = environment();
  await get<documentsPageQuery>(relay, page, { first: 3 });
  const [, id] = edges(relay, "client:root", "documentsList_customers");
  assert(id);
  const name = `Relay ${Date.now()}`;
  const changed = await run<documentsUpdateMutation>(relay, update, { input: { customerId: id, name } });
  assert.deepEqual(changed.customerUpdate.userErrors, []);
  assert.equal(relay.getStore().getSource().get(id)?.name, name);

  await get<documentsNotesQuery>(relay, notes, { id });
  const connection = ConnectionHandler.getConnectionID(id, "documents_notes");
  const before = count(relay, connection);
  await run<documentsAddNoteMutation>(relay, addNote, {
    input: { customerId: id, body: "Written by Relay" },
    connections: [connection],
  });
  assert.equal(count(relay, connection), before + 1);
});

function lastCursor(relay: Environment): string {
  let cursor: unknown;
  relay.commitUpdate((store) => {
    const connection = ConnectionHandler.getConnection(store.getRoot(), "documentsList_customers", {
      orderBy: { field: "NAME" },
    });
    cursor = connection?.getLinkedRecord("pageInfo")?.getValue("endCursor");
  });
  assert(typeof cursor === "string");
  return cursor;
}

function count(relay: Environment, connection: string): number {
  let length = 0;
  relay.commitUpdate((store) => {
    length = store.get(connection)?.getLinkedRecords("edges")?.length ?? 0;
  });
  return length;
}

function run<T extends { variables: Variables; response: unknown }>(
  relay: Environment,
  mutation: GraphQLTaggedNode,
  variables: T["variables"],
): Promise<T["response"]> {
  return new Promise((resolve, reject) =>
    commitMutation(relay, {
      mutation,
      variables,
      onCompleted: (response, errors) => (errors?.length ? reject(errors) : resolve(response)),
      onError: reject,
    }),
  );
}
