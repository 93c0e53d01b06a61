// GraphQL over HTTP as graphql-http audits it: every MUST, SHOULD and MAY.
import assert from "node:assert/strict";
import { test } from "node:test";
import { serverAudits } from "graphql-http";
import { headers, url } from "./server";

// Every request is made as somebody who may.
const fetchFn = (address: string, options: RequestInit = {}) =>
  fetch(address, { ...options, headers: { ...(options.headers as Record<string, string>), ...headers } });

const audits = serverAudits({ url, fetchFn });

test("the list is complete", () => assert.equal(audits.length, 61));

for (const audit of audits)
  test(audit.name, async () => {
    const result = await audit.fn();
    assert.equal(result.status, "ok", "reason" in result ? result.reason : undefined);
  });
