// schema/schema.graphql takes nothing away from those who use schema/released.graphql.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { breaking, hasty } from "./changes.mjs";

const read = (name) => readFileSync(new URL(`../../../schema/${name}`, import.meta.url), "utf8");
const today = Date.now();

test("nothing breaks unannounced", async () => {
  assert.deepEqual(await breaking(read("released.graphql"), read("schema.graphql"), today), []);
});

test("deprecations say what to use and until when, half a year ahead", () => {
  assert.deepEqual(hasty(read("released.graphql"), read("schema.graphql"), today), []);
});

const schema = (field) => `type Query { kept: Int ${field} }`;
const announced = (date) => schema(`old: Int @deprecated(reason: "Use kept. Removal on ${date}.")`);

test("the check finds what it is for", async () => {
  const now = Date.parse("2026-06-01");
  assert.equal((await breaking(schema("old: Int"), schema(""), now)).length, 1);
  assert.equal((await breaking(schema("old: Int"), schema("old: String"), now)).length, 1);
  assert.equal((await breaking(schema("old(a: Int): Int"), schema("old(a: Int!): Int"), now)).length, 1);
  assert.equal((await breaking(announced("2026-06-02"), schema(""), now)).length, 1);
  assert.deepEqual(await breaking(announced("2026-06-01"), schema(""), now), []);
  assert.deepEqual(await breaking(schema(""), schema("new: Int"), now), []);
  assert.equal(hasty(schema("old: Int"), announced("2026-08-01"), now).length, 1);
  assert.equal(hasty(schema("old: Int"), schema('old: Int @deprecated(reason: "old")'), now).length, 1);
  assert.deepEqual(hasty(schema("old: Int"), announced("2026-12-01"), now), []);
  assert.deepEqual(hasty(announced("2026-06-02"), announced("2026-06-02"), now), []);
});
