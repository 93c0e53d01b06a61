// The browser's storage, less the keys that GraphiQL's history would keep in it for good with every request's headers.
const HISTORY = ["graphiql:queries", "graphiql:favorites"];

// `headers` is a JSON text: what an entry that is opened again puts into the header editor.
export function storageWithoutKeys(headers) {
  const withHeaders = (text, headers) =>
    JSON.stringify(JSON.parse(text), (name, value) => (name && value?.query ? { ...value, headers } : value));

  return {
    getItem(name) {
      const text = localStorage.getItem(name);
      return text && HISTORY.includes(name) ? withHeaders(text, headers) : text;
    },
    setItem: (name, text) => localStorage.setItem(name, HISTORY.includes(name) ? withHeaders(text, undefined) : text),
    removeItem: (name) => localStorage.removeItem(name),
    clear: () => localStorage.clear(),
    get length() {
      return localStorage.length;
    },
  };
}
