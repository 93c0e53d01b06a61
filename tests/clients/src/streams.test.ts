// graphql-ws over a WebSocket and graphql-sse over event streams: queries, live progress to its end, refusals.
import assert from "node:assert/strict";
import { test } from "node:test";
import { print, type DocumentNode } from "graphql";
import { createClient as createStreams } from "graphql-sse";
import { createClient as createSocket } from "graphql-ws";
import WebSocket from "ws";
import { CustomersPage, Progress, ScoresRecalculate } from "./documents";
import { headers, socketUrl, url } from "./server";

type Answer = { data?: Record<string, unknown> | null; errors?: readonly unknown[] };
type Asking = { iterate(payload: { query: string; variables?: Record<string, unknown> }): AsyncIterable<unknown> };

const socket = (connectionParams: Record<string, unknown> = headers) =>
  createSocket({ url: socketUrl, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
const streams = (given: Record<string, string> = headers) => createStreams({ url, headers: given, retryAttempts: 0 });

async function answers(client: Asking, document: DocumentNode, variables = {}): Promise<Answer[]> {
  const got: Answer[] = [];
  for await (const answer of client.iterate({ query: print(document), variables })) got.push(answer as Answer);
  return got;
}

for (const [name, make] of [
  ["graphql-ws", socket],
  ["graphql-sse", streams],
] as const) {
  test(`${name}: a query has one answer`, async () => {
    const client = make();
    const [answer, ...more] = await answers(client as Asking, CustomersPage, { first: 3 });
    assert.deepEqual(more, []);
    assert.equal((answer?.data?.customers as { edges: unknown[] }).edges.length, 3);
    await client.dispose();
  });

  test(`${name}: progress is told until the operation has ended`, { timeout: 60_000 }, async () => {
    const client = make();
    const [started] = await answers(client as Asking, ScoresRecalculate);
    const { bulkOperation, userErrors } = started?.data?.scoresRecalculate as {
      bulkOperation: { id: string };
      userErrors: unknown[];
    };
    assert.deepEqual(userErrors, []);
    const told = await answers(client as Asking, Progress, { id: bulkOperation.id });
    assert(told.every((answer) => !answer.errors));
    const last = told.at(-1)?.data?.bulkOperationProgressed as { bulkOperation: { state: string; progress: number } };
    assert.equal(last.bulkOperation.state, "COMPLETED");
    await client.dispose();
  });

  test(`${name}: several operations share a client`, async () => {
    const client = make();
    const all = await Promise.all([1, 2, 3, 4, 5].map((first) => answers(client as Asking, CustomersPage, { first })));
    assert.deepEqual(
      all.map(([answer]) => (answer?.data?.customers as { edges: unknown[] }).edges.length),
      [1, 2, 3, 4, 5],
    );
    await client.dispose();
  });
}

test("graphql-ws: a stranger is closed out with 4401 or 4403", async () => {
  await assert.rejects(answers(socket({}) as Asking, CustomersPage), (event: { code?: number }) => {
    assert(event.code === 4401 || event.code === 4403, `closed with ${event.code}`);
    return true;
  });
});

test("graphql-sse: a stranger gets 401", async () => {
  await assert.rejects(answers(streams({}) as Asking, CustomersPage), (error: { response?: Response }) => {
    assert.equal(error.response?.status, 401);
    return true;
  });
});
