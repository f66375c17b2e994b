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
  /** How often this value is met, wherever it stands. */
  countOf(value: string): number;
  /** How the event's id compares with those of the events of its source before and after it. */
  readonly idOrder: string;
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

/** Whether a name is rare is a matter of names; how often it is met beyond that, of what happens. */
const SEEN_MAX = 5;
const GRAM_LENGTH = 3;
/** Numbers of one name that are looked at, and digits of one whose value is looked at closely. */
const NUMBERS_MAX = 8;
const NEAR_DIGITS_MAX = 4;
const VALUE_CHARACTERS_MAX = 120;

/**
 * Features of an event's look as texts: for each name its n-grams, its form, length and numbers and whether it is rare in the
 * simulation; the order of fields; how its id fits between its neighbours. All but n-grams stand once for themselves and once for
 * the type.
 */
export function surfaceFeatures(event: ProtegoEvent, context: SurfaceContext): string[] {
  const { values, orders } = surfaceOf(event);
  const features = new Set<string>();
  const grams: string[] = [];
  for (const [path, value] of values) {
    const text = value.slice(0, VALUE_CHARACTERS_MAX);
    for (const feature of formFeatures(text)) features.add(`${path} ${feature}`);
    for (const gram of gramsOf(text)) grams.push(`${path} has ${gram}`);
    if (path !== 'id') features.add(`${path} seen ${Math.min(context.countOf(value), SEEN_MAX)}`);
  }
  for (const [path, keys] of orders) features.add(`${path} order ${keys}`);
  features.add(`id order ${context.idOrder}`);
  return [...features, ...[...features].map((feature) => `${event.type} ${feature}`), ...new Set(grams)];
}

function formFeatures(text: string): string[] {
  const letters = text.replace(/\d+/g, '9');
  const features = [
    `length ${text.length}`,
    `digits ${text.replace(/\D/g, '').length}`,
    `form ${letters.replace(/[a-z]+/g, 'a').replace(/[A-Z]+/g, 'A')}`,
    `letters ${letters}`,
  ];
  for (const [at, [digits]] of [...text.matchAll(/\d+/g)].slice(0, NUMBERS_MAX).entries()) {
    features.push(`number ${at} ${logBucket(Number(digits))}`, `number ${at} ends ${digits.at(-1)}`);
    if (digits.length <= NEAR_DIGITS_MAX) features.push(`number ${at} near ${Math.floor(Number(digits) / 8)}`);
  }
  return features;
}

function gramsOf(text: string): string[] {
  const bounded = `^${text}$`;
  return Array.from({ length: Math.max(0, bounded.length - GRAM_LENGTH + 1) }, (_, from) =>
    bounded.slice(from, from + GRAM_LENGTH),
  );
}

/** Whole and half powers of two, so that small differences of small numbers show. */
function logBucket(value: number): number {
  return value <= 0 ? -1 : Math.floor(Math.log2(value) * 2);
}
