// Apollo Client 4: normalised cache, pages merged by Relay's rules, changes seen by every watcher, typed errors.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { filter, firstValueFrom } from "rxjs";
import { CustomerById, CustomerTag, CustomerUpdate, CustomersPage, SegmentPreview } from "./documents";
import { possibleTypes } from "./introspection";
import { headers, url } from "./server";

async function client(options: Partial<HttpLink.Options> = {}): Promise<ApolloClient> {
  return new ApolloClient({
    link: new HttpLink({ uri: url, headers, ...options }),
    cache: new InMemoryCache({
      possibleTypes: await possibleTypes(),
      typePolicies: { Query: { fields: { customers: relayStylePagination(["orderBy", "where"]) } } },
    }),
  });
}

test("pages are merged and objects normalised", async () => {
  const apollo = await client();
  const pages = apollo.watchQuery({ query: CustomersPage, variables: { first: 5 } });
  const first = await firstValueFrom(pages.pipe(filter((result) => result.dataState === "complete")));
  assert.equal(first.data.customers.edges.length, 5);
  await pages.fetchMore({ variables: { after: first.data.customers.pageInfo.endCursor } });
  const all = pages.getCurrentResult().data?.customers;
  assert(all && "edges" in all && all.edges);
  const ids = all.edges.map((edge) => edge?.node?.id);
  assert.equal(new Set(ids).size, 10);
  assert.equal(Object.keys(apollo.extract() as object).filter((name) => name.startsWith("Customer:")).length, 10);

  const network = await apollo.query({ query: CustomerById, variables: { id: ids[0] ?? "" } });
  assert(network.data?.node?.__typename === "Customer");
  const cached = apollo.readFragment({
    id: apollo.cache.identify({ __typename: "Customer", id: ids[0] ?? "" }) ?? "",
    fragment: gql`
      fragment Named on Customer {
        name
      }
    `,
  });
  assert.deepEqual(cached, { __typename: "Customer", name: network.data.node.name });
});

test("a mutation's payload updates what is on the screen", async () => {
  const apollo = await client();
  const page = await apollo.query({ query: CustomersPage, variables: { last: 3 } });
  const customer = page.data?.customers.edges[0]?.node;
  assert(customer);
  const shown: (string | null | undefined)[] = [];
  const watching = apollo
    .watchQuery({ query: CustomerById, variables: { id: customer.id } })
    .subscribe(({ data }) => data?.node?.__typename === "Customer" && shown.push(data.node.name));
  await apollo.query({ query: CustomerById, variables: { id: customer.id }, fetchPolicy: "network-only" });
  const name = `${customer.name} of Apollo`;
  const changed = await apollo.mutate({
    mutation: CustomerUpdate,
    variables: { input: { customerId: customer.id, name, expectedVersion: customer.version } },
  });
  assert.deepEqual(changed.data?.customerUpdate.userErrors, []);
  assert.equal(shown.at(-1), name);
  watching.unsubscribe();

  const stale = await apollo.mutate({
    mutation: CustomerUpdate,
    variables: { input: { customerId: customer.id, name: "late", expectedVersion: customer.version } },
  });
  assert.match(stale.data?.customerUpdate.userErrors[0]?.code ?? "", /^(STALE|CONFLICT)$/);
  assert.equal(stale.data?.customerUpdate.customer, null);

  const tagged = await apollo.mutate({
    mutation: CustomerTag,
    variables: { input: { customerIds: [customer.id], tags: ["apollo"] } },
  });
  assert(tagged.data?.customerTag.customers[0]?.tags.some((tag) => tag.name === "apollo"));
});

test("what no one can answer is an error with a code", async () => {
  const both = await (await client()).query({
    query: CustomersPage,
    variables: { first: 1, last: 1 },
    errorPolicy: "all",
  });
  assert(CombinedGraphQLErrors.is(both.error));
  assert.equal(both.error.errors[0]?.extensions?.code, "BAD_USER_INPUT");
  await assert.rejects((await client({ headers: {} })).query({ query: CustomersPage }), (error: Error) => {
    assert.match(JSON.stringify(error) + String(error.message), /401|UNAUTHENTICATED/);
    return true;
  });
});

test("queries may travel by GET, and one condition has one member", async () => {
  const condition = { number: { field: "lifetimeValue", is: { gte: "0" } } };
  const asked: string[] = [];
  const spy: typeof fetch = (input, init) => {
    asked.push(`${init?.method} ${String(input)}`);
    return fetch(input, init);
  };
  const preview = await (await client({ useGETForQueries: true, fetch: spy })).query({
    query: SegmentPreview,
    variables: { condition },
  });
  assert(asked.every((request) => request.startsWith("GET ")));
  assert.equal(preview.data?.segmentPreview.sample.length, 3);
});
