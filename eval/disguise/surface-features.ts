import type { EventData, ProtegoEvent } from '@protego/contracts';

/** What one event looks like: names, ids, user agents and the order of fields, and nothing of what it says happened. */
export interface Surface {
  /** Values by dotted path; members of lists share the path of their list. */
  readonly values: readonly (readonly [path: string, value: string])[];
  /** Names of fields by the path of their object, in their order. */
  readonly orders: readonly (readonly [path: string, keys: string])[];
}

/** How a value compares with others of the same simulation. */
export interface SurfaceContext {
  /** Events that have this value at this path. */
  countOf(path: string, value: string): number;
  /** Distance of the event's number from that of the event of its source before and after it, by event time. */
  readonly idGaps: readonly [before: number, after: number];
}

/** Keys whose text names somebody, something or a place, wherever they stand. */
const NAMING_KEYS: ReadonlySet<string> = new Set(['uid', 'ip', 'mac', 'hostname', 'owner', 'user_agent', 'agreement']);
/** Objects whose `name` names somebody or something; that of a process, a file or a service tells what happened. */
const NAMED_OBJECTS: ReadonlySet<string> = new Set(['user', 'partner', 'device', 'patient']);
/** Fields that are there or not by what happened; their place among the others is left out. */
const TELLING_KEYS: ReadonlySet<string> = new Set(['reason']);
const DEPTH_MAX = 4;

/** Reads what an event looks like. */
export function surfaceOf(event: ProtegoEvent): Surface {
  const values: [string, string][] = [['id', event.id]];
  const orders: [string, string][] = [['', Object.keys(event).join()]];
  if (event.subject !== undefined) values.push(['subject', event.subject]);
  walk(event.data, 'data', '', 0, values, orders);
  return { values, orders };
}

function walk(
  data: EventData,
  path: string,
  own: string,
  depth: number,
  values: [string, string][],
  orders: [string, string][],
): void {
  const keys = Object.keys(data);
  orders.push([path, keys.filter((key) => !TELLING_KEYS.has(key)).join()]);
  for (const key of keys) {
    const at = `${path}.${key}`;
    for (const value of [data[key]].flat())
      if (typeof value === 'string') {
        if (NAMING_KEYS.has(key) || (key === 'name' && NAMED_OBJECTS.has(own))) values.push([at, value]);
      } else if (typeof value === 'object' && value !== null && depth < DEPTH_MAX)
        walk(value as EventData, at, key, depth + 1, values, orders);
  }
}

const GRAM_LENGTHS = [2, 3, 4] as const;
const VALUE_CHARACTERS_MAX = 120;

/**
 * Features of an event's look as texts: for each name its n-grams, its form, length and numbers and how often it is met in the
 * simulation; the order of fields; how its id fits between its neighbours. Each stands once for itself and once for its type.
 */
export function surfaceFeatures(event: ProtegoEvent, context: SurfaceContext): string[] {
  const { values, orders } = surfaceOf(event);
  const features = new Set<string>();
  for (const [path, value] of values) {
    const text = value.slice(0, VALUE_CHARACTERS_MAX);
    for (const feature of formFeatures(text)) features.add(`${path} ${feature}`);
    if (path !== 'id') features.add(`${path} seen ${logBucket(context.countOf(path, value))}`);
  }
  for (const [path, keys] of orders) features.add(`${path} order ${keys}`);
  for (const [side, gap] of context.idGaps.entries()) features.add(`id gap ${side} ${logBucket(gap)}`);
  return [...features].flatMap((feature) => [feature, `${event.type} ${feature}`]);
}

function formFeatures(text: string): string[] {
  const features = [
    `length ${text.length}`,
    `digits ${text.replace(/\D/g, '').length}`,
    `form ${text
      .replace(/\d+/g, '9')
      .replace(/[a-z]+/g, 'a')
      .replace(/[A-Z]+/g, 'A')}`,
    `letters ${text.replace(/\d+/g, '9')}`,
  ];
  for (const [at, digits] of [...text.matchAll(/\d+/g)].slice(0, 8).map(([match], index) => [index, match] as const)) {
    features.push(`number ${at} ${logBucket(Number(digits))}`, `number ${at} ends ${digits.at(-1)}`);
    if (digits.length <= 4) features.push(`number ${at} near ${Math.floor(Number(digits) / 8)}`);
  }
  const bounded = `^${text}$`;
  for (const length of GRAM_LENGTHS)
    for (let from = 0; from + length <= bounded.length; from++)
      features.push(`has ${bounded.slice(from, from + length)}`);
  return features;
}

/** Whole and half powers of two, so that small differences of small numbers show. */
function logBucket(value: number): number {
  return value <= 0 ? -1 : Math.floor(Math.log2(value) * 2);
}
