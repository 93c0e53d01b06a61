// A Chromium without a window, driven by the DevTools protocol: what happens in its pages, and what they ask for.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const FLAGS = [
  "--headless=new",
  "--remote-debugging-port=0",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
  "--window-size=1440,900",
  // Nothing else has a name: what asks for it fails, and is seen to have asked.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  // The sandbox needs a user of its own; only our own page is opened.
  "--no-sandbox",
];

export async function launch(program) {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  // In a group of its own, so that its helpers end with it.
  const browser = spawn(program, [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  const said = createInterface({ input: browser.stderr });
  const address = await new Promise((resolve, reject) => {
    said.on("line", (line) => line.startsWith("DevTools listening on ") && resolve(line.slice(22)));
    browser.on("exit", () => reject(new Error("the browser ended while starting")));
  });
  const connection = await connect(address);
  return {
    open: (url) => Page.open(connection, url),
    async close() {
      const ended = new Promise((resolve) => browser.on("exit", resolve));
      connection.socket.terminate();
      process.kill(-browser.pid, "SIGKILL");
      await ended;
      // Its helpers write until they have noticed.
      await new Promise((resolve) => setTimeout(resolve, 300));
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function connect(address) {
  const socket = new WebSocket(address, { maxPayload: 256 * 1024 * 1024 });
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const waiting = new Map();
  const pages = new Map();
  socket.on("message", (text) => {
    const { id, sessionId, method, params, result, error } = JSON.parse(text);
    if (method) return pages.get(sessionId)?.(method, params);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    return error ? reject(new Error(error.message)) : resolve(result);
  });
  let last = 0;
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
  return { socket, pages, send };
}

// Told by the page itself, because some violations are reported nowhere else.
const LISTENER = `addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP", event.violatedDirective, event.blockedURI, event.sourceFile))`;

class Page {
  requests = [];
  answers = [];
  complaints = [];
  frames = [];

  static async open(connection, url) {
    const { targetId } = await connection.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await connection.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page();
    page.send = (method, params) => connection.send(method, params, sessionId);
    connection.pages.set(sessionId, (method, params) => page.#hear(method, params));
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await page.send(`${domain}.enable`);
    await page.send("Page.addScriptToEvaluateOnNewDocument", { source: LISTENER });
    await page.send("Page.navigate", { url });
    return page;
  }

  #hear(method, params) {
    if (method === "Network.requestWillBeSent") this.#asked(params);
    if (method === "Network.loadingFinished" && this.#posts.delete(params.requestId)) this.#answered(params.requestId);
    if (method === "Network.webSocketCreated") this.requests.push(params.url);
    if (method === "Network.webSocketFrameReceived") this.frames.push(params.response.payloadData);
    if (method === "Log.entryAdded" && params.entry.level === "error") this.complaints.push(params.entry.text);
    if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.exception?.description);
    if (method === "Runtime.consoleAPICalled" && params.type === "error")
      this.complaints.push(params.args.map((one) => one.value ?? one.description).join(" "));
  }

  #posts = new Set();

  #asked({ requestId, request }) {
    this.requests.push(request.url);
    if (request.method === "POST") this.#posts.add(requestId);
  }

  // Bodies of answers to POSTs, in their order.
  async #answered(requestId) {
    const { body } = await this.send("Network.getResponseBody", { requestId });
    this.answers.push(JSON.parse(body));
  }

  // The value of an expression in the page; promises are waited for.
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    assert(!exceptionDetails, exceptionDetails?.exception?.description ?? exceptionDetails?.text);
    return result.value;
  }

  // Until the expression is true, whatever that is; what it was.
  async until(expression, what, seconds = 30) {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const value = await this.evaluate(expression);
      if (value) return value;
      assert(Date.now() < deadline, `${what}: not within ${seconds} s`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async click(selector) {
    const name = JSON.stringify(selector);
    await this.until(`document.querySelector(${name}) !== null`, `${selector} is there`);
    await this.evaluate(`document.querySelector(${name}).click()`);
  }

  async screenshot(file) {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    await writeFile(file, Buffer.from(data, "base64"));
  }
}
