// The page at /graphql: GraphiQL with the server's key and example operations filled in.
import "./workers.js";
import "graphiql/style.css";
import "./page.css";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import { ExamplesMenu } from "./examples.jsx";
import { storageWithoutKeys } from "./storage.js";

// Only a development server has this document; without it the page starts empty.
async function configuration() {
  const answer = await fetch("/graphql/explorer.json");
  return answer.ok ? answer.json() : { headers: {}, tabs: [] };
}

const written = (value) => (value && Object.keys(value).length ? JSON.stringify(value, null, 2) : undefined);

const { headers, tabs } = await configuration();
const examples = tabs.map(({ variables, ...example }) => ({ ...example, variables: written(variables) }));

// On a first visit GraphiQL opens every example in a tab, but into the editors it puts only what it remembers.
if (examples.length && localStorage.getItem("graphiql:tabState") === null) {
  localStorage.setItem("graphiql:query", examples[0].query);
  localStorage.setItem("graphiql:variables", examples[0].variables ?? "");
}

const url = new URL("/graphql", location.href).href;
const fetcher = createGraphiQLFetcher({
  url,
  // The header editor's content becomes the payload of connection_init.
  subscriptionUrl: url.replace(/^http/, "ws"),
  enableIncrementalDelivery: false,
  // The schema is asked for before the header editor exists.
  schemaFetcher: createGraphiQLFetcher({ url, headers, enableIncrementalDelivery: false }),
});

createRoot(document.getElementById("explorer")).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storageWithoutKeys(written(headers))}
    defaultHeaders={written(headers)}
    defaultTabs={examples.length ? examples : undefined}
    shouldPersistHeaders={localStorage.getItem("graphiql:shouldPersistHeaders") === "true"}
    showPersistHeadersSettings
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>Wayfare</GraphiQL.Logo>
    <GraphiQL.Toolbar>
      {({ prettify, merge, copy }) => (
        <>
          {prettify}
          {merge}
          {copy}
          {examples.length > 0 && <ExamplesMenu examples={examples} />}
        </>
      )}
    </GraphiQL.Toolbar>
  </GraphiQL>,
);
