// GraphiQL in a real browser: every example tab, a subscription beside a mutation, its panes, and that it stays at home.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "./chromium.mjs";

const { CHROMIUM, WAYFARE_URL, SCREENSHOTS } = process.env;
const RESPONSE = 'document.querySelector(".graphiql-response .view-lines")?.textContent.replace(/\\s+/g, " ") ?? ""';
let browser;
let pages;

async function opened() {
  const page = await browser.open(WAYFARE_URL);
  await page.until('document.querySelectorAll(".graphiql-tab").length > 1', "the tabs are there");
  // The schema has been read once the documentation can be shown.
  await page.until('document.querySelector(".graphiql-query-editor .view-lines")?.textContent', "the editor is there");
  pages.push(page);
  return page;
}

async function photograph(page, name) {
  if (SCREENSHOTS) await page.screenshot(join(SCREENSHOTS, `${name}.png`));
}

// Brings the tab with this example to the front; the editor shows it then.
async function choose(page, tabs, index) {
  await page.evaluate(`document.querySelectorAll(".graphiql-tab-button")[${index}].click()`);
  const title = tabs[index].title.slice(0, 20).replaceAll(/\s+/g, "");
  const shown = 'document.querySelector(".graphiql-query-editor .view-lines").textContent.replace(/\\s+/g, "")';
  await page.until(`${shown}.includes(${JSON.stringify(title)})`, `${tabs[index].title} is shown`);
  // GraphiQL reads the name of the operation a moment after its text; before that it would send that of the last tab.
  await new Promise((resolve) => setTimeout(resolve, 600));
}

const examples = (page) => page.evaluate('fetch("/graphql/explorer.json").then((answer) => answer.json()).then((it) => it.tabs)');
const watches = (tab) => /^subscription /m.test(tab.query);
const execute = (page) => page.click(".graphiql-execute-button");

before(async () => {
  browser = await launch(CHROMIUM);
  pages = [];
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
});

after(() => browser?.close());

test("every example tab runs", async () => {
  const page = await opened();
  const tabs = await examples(page);
  assert.equal(await page.evaluate('document.querySelectorAll(".graphiql-tab").length'), tabs.length);
  for (const [index, tab] of tabs.entries()) {
    if (watches(tab)) continue;
    await choose(page, tabs, index);
    const known = page.answers.length;
    await execute(page);
    await page.until(`(${RESPONSE}).includes("data")`, `${tab.title} is answered`);
    while (page.answers.length === known) await new Promise((resolve) => setTimeout(resolve, 20));
    const answer = page.answers.at(-1);
    assert.equal(answer.errors, undefined, `${tab.title}: ${JSON.stringify(answer.errors)}`);
    for (const [field, value] of Object.entries(answer.data))
      assert.deepEqual(value?.userErrors ?? [], [], `${tab.title}: ${field}`);
    if (tab.query.includes("customers(")) await photograph(page, `tab-${index}`);
  }
});

test("a subscription tells what a mutation in another page does", async () => {
  const page = await opened();
  const tabs = await examples(page);
  await choose(page, tabs, tabs.findIndex((tab) => tab.query.includes("segmentMembershipChanged")));
  await execute(page);
  await page.until('document.querySelector(".graphiql-execute-button").ariaLabel.startsWith("Stop")', "it is running");
  const other = await opened();
  const number = Date.now() % 1_000_000;
  const changed = await other.evaluate(`(async () => {
    const { headers } = await (await fetch("/graphql/explorer.json")).json();
    const ask = async (query) =>
      (await (await fetch("/graphql", { method: "POST", headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify({ query }) })).json()).data;
    const made = await ask('mutation { segmentCreate(input: { name: "Browser ${number}", type: MANUAL }) { segment { id } } }');
    const found = await ask("{ customers(first: 1) { nodes { id } } }");
    return ask(\`mutation { segmentAssign(input: { segmentId: "\${made.segmentCreate.segment.id}",
      customerIds: ["\${found.customers.nodes[0].id}"] }) { entered userErrors { code } } }\`);
  })()`);
  assert.deepEqual(changed, { segmentAssign: { entered: 1, userErrors: [] } });
  // A page in the background draws nothing.
  await page.send("Page.bringToFront");
  await page.until(`(${RESPONSE}).includes("Browser ${number}")`, "the page shows the event", 10);
  const told = page.frames.map((frame) => JSON.parse(frame)).filter(({ type }) => type === "next");
  assert(told.some(({ payload }) => payload.data.segmentMembershipChanged.segment?.name === `Browser ${number}`));
  await photograph(page, "subscription");
  await execute(page);
  await page.until('document.querySelector(".graphiql-execute-button").ariaLabel.startsWith("Execute")', "it is stopped");
});

test("the documentation describes the schema", async () => {
  const page = await opened();
  await page.click('[aria-label="Show Documentation Explorer"]');
  const text = 'document.querySelector(".graphiql-doc-explorer")?.textContent ?? ""';
  await page.until(`(${text}).includes("Mutation")`, "the root types are listed");
  await page.evaluate('[...document.querySelectorAll(".graphiql-doc-explorer a")].find((a) => a.textContent === "Query").click()');
  await page.until(`(${text}).includes("customers") && (${text}).includes("segmentPreview")`, "the queries are listed");
  await photograph(page, "documentation");
});

test("the header editor has the key of the development server", async () => {
  const page = await opened();
  await page.evaluate('[...document.querySelectorAll("button")].find((one) => one.textContent === "Headers").click()');
  const headers = '[...document.querySelectorAll(".graphiql-editor-tool .view-lines")].map((one) => one.textContent).join()';
  await page.until(`(${headers}).includes("Bearer")`, "the key is there");
  await photograph(page, "headers");
});

test("nothing was complained about and nobody else was asked", () => {
  assert.deepEqual(pages.flatMap((page) => page.complaints), []);
  const here = new URL(WAYFARE_URL).host;
  const elsewhere = pages.flatMap((page) => page.requests).filter((url) => !url.startsWith("data:") && new URL(url).host !== here);
  assert.deepEqual(elsewhere, []);
});
