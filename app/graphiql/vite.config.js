// Builds the page into dist/, which is committed so that running Wayfare needs no Node.
import { defineConfig } from "vite";

// GraphiQL's stylesheet carries two typefaces and Monaco's icons as data URLs, 75 % of its size. The system's typefaces
// do, and the icons come as a file with Monaco's own stylesheet.
const withoutTypefaces = {
  name: "without-typefaces",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith("/graphiql/dist/style.css")) return null;
    return code.replace(/@font-face\s*\{[^}]*\}/g, "").replace('"Roboto"', "system-ui");
  },
};

export default defineConfig({
  base: "/graphql/", // app/explorer.py serves dist/assets/ below this path
  plugins: [withoutTypefaces],
  worker: { format: "es" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    license: { fileName: "licenses.md" },
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});
