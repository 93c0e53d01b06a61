// urql 6: the plain client, and Graphcache with Relay's pages, typed keys and optimistic changes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, cacheExchange as documentCache, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { CustomerById, CustomerUpdate, CustomersPage } from "./documents";
import { introspected } from "./introspection";
import { headers, url } from "./server";

const plain = (preferGetMethod: boolean) =>
  new Client({
    url,
    preferGetMethod,
    fetchOptions: { headers },
    exchanges: [documentCache, fetchExchange],
  });

// What has no id is kept inside its parent.
const embedded = [
  "Count",
  "CustomerConnection",
  "CustomerEdge",
  "CustomerMetrics",
  "CustomerUpdatePayload",
  "CustomerUserError",
  "PageInfo",
];

const normalised = async (warnings: string[]) =>
  new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers },
    exchanges: [
      cacheExchange({
        schema: await introspected(),
        keys: Object.fromEntries(embedded.map((name) => [name, () => null])),
        resolvers: { Query: { customers: relayPagination() } },
        logger: (severity, message) => severity !== "debug" && warnings.push(message),
      }),
      fetchExchange,
    ],
  });

test("queries by POST and by GET, with a document cache", async () => {
  for (const byGet of [false, true]) {
    const urql = plain(byGet);
    const page = await urql.query(CustomersPage, { first: 2 }).toPromise();
    assert.equal(page.error, undefined);
    assert.equal(page.data?.customers.edges.length, 2);
    const again = await urql.query(CustomersPage, { first: 2 }).toPromise();
    assert.equal(again.operation.context.meta?.cacheOutcome, "hit");
  }
});

test("errors keep their code", async () => {
  const refused = await plain(false).query(CustomersPage, { first: 1, last: 1 }).toPromise();
  assert.equal(refused.error?.graphQLErrors[0]?.extensions.code, "BAD_USER_INPUT");
  const unknown = new Client({ url, preferGetMethod: false, exchanges: [fetchExchange] });
  const unauthenticated = await unknown.query(CustomersPage, {}).toPromise();
  assert.equal(unauthenticated.error?.response?.status, 401);
});

test("Graphcache joins pages in both directions and updates objects from payloads", async () => {
  const warnings: string[] = [];
  const urql = await normalised(warnings);
  const first = await urql.query(CustomersPage, { first: 4 }).toPromise();
  assert.equal(first.error, undefined);
  const end = first.data?.customers.pageInfo.endCursor;
  const both = await urql.query(CustomersPage, { first: 4, after: end }).toPromise();
  const ids = both.data?.customers.edges.map((edge) => edge.node.id) ?? [];
  assert.equal(new Set(ids).size, 8);
  assert.equal(both.data?.customers.pageInfo.hasNextPage, true);

  const before = await urql.query(CustomerById, { id: ids[0] ?? "" }).toPromise();
  assert(before.data?.node?.__typename === "Customer");
  const name = `${before.data.node.name} of urql`;
  const changed = await urql.mutation(CustomerUpdate, { input: { customerId: ids[0] ?? "", name } }).toPromise();
  assert.deepEqual(changed.data?.customerUpdate.userErrors, []);
  const after = urql.readQuery(CustomerById, { id: ids[0] ?? "" });
  assert(after?.data?.node?.__typename === "Customer");
  assert.equal(after.data.node.name, name);
  assert.deepEqual(warnings, []);
});
