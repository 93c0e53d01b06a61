// schema/schema.graphql against @graphql-eslint.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { ESLint } from "eslint";

const root = fileURLToPath(new URL("../../..", import.meta.url));

test("Relay's conventions, and a description on everything", async () => {
  const eslint = new ESLint({ cwd: root, overrideConfigFile: "tests/clients/eslint.config.mjs" });
  const [file] = await eslint.lintFiles(["schema/schema.graphql"]);
  const found = file.messages.map((message) => `${message.line}: ${message.message} (${message.ruleId})`);
  assert.deepEqual(found, []);
});
