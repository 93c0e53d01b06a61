// What a schema takes away from those who use the last release, by graphql-inspector; what was announced in time may go.
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

export const REMOVAL = /^Use .+\. Removal on (\d{4}-\d{2}-\d{2})\.$/;
const NOTICE_DAYS = 180;
const DAY = 24 * 60 * 60 * 1000;

/** Descriptions of the breaking changes that were not announced, or whose day has not come. */
export async function breaking(released, current, today) {
  const old = buildSchema(released);
  const announced = deprecations(old);
  const changes = await diff(old, buildSchema(current));
  return changes
    .filter((change) => change.criticality.level === CriticalityLevel.Breaking)
    .filter((change) => !(day(announced.get(change.path)) <= today))
    .map((change) => `${change.path}: ${change.message}`);
}

/** Deprecations of the current schema that say no day of removal or, when they are new, one that is too near. */
export function hasty(released, current, today) {
  const known = deprecations(buildSchema(released));
  const wrong = [];
  for (const [path, reason] of deprecations(buildSchema(current))) {
    const soon = !known.has(path) && day(reason) - today < NOTICE_DAYS * DAY;
    if (!REMOVAL.test(reason) || soon) wrong.push(`${path}: ${reason}`);
  }
  return wrong;
}

function day(reason) {
  const [, text] = REMOVAL.exec(reason ?? "") ?? [];
  return text ? Date.parse(text) : NaN;
}

function deprecations(schema) {
  const found = new Map();
  const note = (path, part) => part.deprecationReason != null && found.set(path, part.deprecationReason);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith("__")) continue;
    for (const value of type.getValues?.() ?? []) note(`${type.name}.${value.name}`, value);
    for (const field of Object.values(type.getFields?.() ?? {})) {
      note(`${type.name}.${field.name}`, field);
      for (const argument of field.args ?? []) note(`${type.name}.${field.name}.${argument.name}`, argument);
    }
  }
  return found;
}
