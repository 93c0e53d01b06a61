// Where the checks find the server: the environment names its address and a key.
import assert from "node:assert/strict";

function told(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set: the checks need a running server and a key for it`);
  return value;
}

export const url = told("WAYFARE_URL");
export const key = told("WAYFARE_KEY");
export const socketUrl = url.replace(/^http/, "ws");
export const headers = { authorization: `Bearer ${key}` };
