import { parseRfc3339Ms } from '@protego/contracts';
import type { SigmaCorrelation } from './correlation';
import { attempt, quote, rejectAt, type SigmaProblem, type SourcePosition } from './problem';
import type { SigmaRule } from './rule';
import { MapReader } from './yaml-read';
import { plainOf, type YamlMap, type YamlNode } from './yaml-tree';

/** An event of a case, copies counted out. */
export interface CaseEvent {
  /** Event type; null for a record with its native field names, as a host or network monitor writes it. */
  readonly type: string | null;
  readonly timeMs: number;
  readonly source: string;
  readonly subject?: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly at: SourcePosition;
}

/** What must come of the events of a case. */
export type CaseExpectation =
  | { readonly kind: 'match'; readonly isWanted: boolean }
  /** Of a correlation: how many detections all the events together raise. */
  | { readonly kind: 'detections'; readonly count: number };

/** One case of a rule or correlation: events, and what must come of them. */
export interface RuleCase {
  readonly name: string;
  /** In the order of the file; copies one after the other. */
  readonly events: readonly CaseEvent[];
  readonly expectation: CaseExpectation;
  readonly at: SourcePosition;
}

/** Most cases of one rule. */
export const CASES_MAX = 200;
/** Most events of one case, copies counted. */
export const CASE_EVENTS_MAX = 10_000;
const NAME_LENGTH_MAX = 200;
/** Longest time between two copies: 366 days. */
const EVERY_MS_MAX = 366 * 86_400_000;
/** Event time where a case gives none. */
const DEFAULT_TIME = '2026-03-02T07:00:00.000Z';
const DEFAULT_SOURCE = 'case';
const CODE = 'SIGMA_CASE_INVALID';

/** The cases of a document that can be read, and what is wrong with the others. */
export function parseRuleCases(document: SigmaRule | SigmaCorrelation): {
  cases: RuleCase[];
  problems: SigmaProblem[];
} {
  const { cases: node, path } = document;
  const problems: SigmaProblem[] = [];
  const items = node === undefined ? [] : (attempt(path, problems, () => itemsOf(node)) ?? []);
  const names = new Set<string>();
  const cases = items.flatMap((item) => attempt(path, problems, () => parseCase(item, document.kind, names)) ?? []);
  return { cases, problems };
}

function itemsOf(node: YamlNode): readonly YamlNode[] {
  if (node.kind !== 'list') return rejectAt(CODE, '`cases` is not a list', node.at);
  if (node.items.length > CASES_MAX) rejectAt(CODE, `more than ${CASES_MAX} cases`, node.at);
  return node.items;
}

function parseCase(node: YamlNode, kind: (SigmaRule | SigmaCorrelation)['kind'], names: Set<string>): RuleCase {
  const reader = readerOf(node, 'a case');
  const verdict = kind === 'rule' ? 'match' : 'detections';
  reader.allowOnly(['name', 'event', 'events', verdict]);
  const name = reader.text('name')?.trim() ?? reader.reject('a case needs `name`', 'name');
  if (name === '' || name.length > NAME_LENGTH_MAX)
    reader.reject(`\`name\` must have 1 to ${NAME_LENGTH_MAX} characters`, 'name');
  if (names.has(name)) reader.reject(`two cases have the name ${quote(name)}`, 'name');
  names.add(name);
  const expectation: CaseExpectation =
    kind === 'rule'
      ? { kind: 'match', isWanted: reader.boolean('match') ?? reader.reject('a case needs `match`', 'match') }
      : { kind: 'detections', count: wholeNumber(reader, 'detections', CASE_EVENTS_MAX) ?? refuseCount(reader) };
  const events = eventNodesOf(reader).flatMap((event) => parseEvent(event));
  if (events.length > CASE_EVENTS_MAX) reader.reject(`more than ${CASE_EVENTS_MAX} events`, 'events');
  return { name, events, expectation, at: node.at };
}

function refuseCount(reader: MapReader): never {
  return reader.reject('a case of a correlation needs `detections`', 'detections');
}

function eventNodesOf(reader: MapReader): readonly YamlNode[] {
  const one = reader.node('event');
  const many = reader.node('events');
  if ((one === undefined) === (many === undefined)) reader.reject('a case needs either `event` or `events`', 'event');
  if (one !== undefined) return [one];
  if (many?.kind !== 'list' || many.items.length === 0)
    return reader.reject('`events` must be a list of at least one', 'events');
  return many.items;
}

function parseEvent(node: YamlNode): CaseEvent[] {
  const reader = readerOf(node, 'an event');
  reader.allowOnly(['type', 'time', 'source', 'subject', 'data', 'repeat']);
  const data = reader.child('data')?.map ?? reader.reject('an event needs `data`', 'data');
  const timeText = reader.text('time') ?? DEFAULT_TIME;
  const startMs = parseRfc3339Ms(timeText) ?? reader.reject(`${quote(timeText)} is no time of RFC 3339`, 'time');
  const subject = reader.text('subject');
  const event = {
    type: reader.text('type') ?? null,
    source: reader.text('source') ?? DEFAULT_SOURCE,
    ...(subject === undefined ? {} : { subject }),
    at: node.at,
  };
  const { count, everyMs, set } = parseRepeat(reader);
  return Array.from({ length: count }, (_, copy) => ({
    ...event,
    timeMs: startMs + copy * everyMs,
    data: copyOf(data, copy + 1, set),
  }));
}

/** What differs between the copies of an event. */
interface Repetition {
  readonly count: number;
  readonly everyMs: number;
  readonly set: MapReader | undefined;
}

function parseRepeat(parent: MapReader): Repetition {
  const reader = parent.child('repeat');
  if (reader === undefined) return { count: 1, everyMs: 0, set: undefined };
  reader.allowOnly(['count', 'everyMs', 'set']);
  const count = wholeNumber(reader, 'count', CASE_EVENTS_MAX) ?? reader.reject('`repeat` needs `count`', 'count');
  if (count === 0) reader.reject('`count` is 0', 'count');
  const everyMs = wholeNumber(reader, 'everyMs', EVERY_MS_MAX) ?? reader.reject('`repeat` needs `everyMs`', 'everyMs');
  return { count, everyMs, set: reader.child('set') };
}

function wholeNumber(reader: MapReader, key: string, max: number): number | undefined {
  const node = reader.node(key);
  if (node === undefined) return undefined;
  const value = node.kind === 'scalar' ? node.value : undefined;
  const isWhole = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
  return isWhole ? value : reader.reject(`\`${key}\` is not a whole number from 0 to ${max}`, key);
}

/** The data of copy number `copy`, counted from 1. */
function copyOf(map: YamlMap, copy: number, set: MapReader | undefined): Record<string, unknown> {
  const data = plainOf(map) as Record<string, unknown>;
  for (const [path, node] of set?.map.entries ?? []) {
    if (node.kind !== 'scalar')
      return rejectAt(CODE, `${quote(path)} must be text, a number, a boolean or null`, node.at);
    const value = typeof node.value === 'string' ? node.value.replaceAll('{n}', String(copy)) : node.value;
    setAt(data, path, value, node.at);
  }
  return data;
}

function setAt(data: Record<string, unknown>, path: string, value: unknown, at: SourcePosition): void {
  const steps = path.split('.');
  const last = steps.pop() as string;
  let parent = data;
  for (const step of steps) {
    const member = (parent[step] ??= Object.create(null) as unknown);
    if (member === null || typeof member !== 'object' || Array.isArray(member))
      return rejectAt(CODE, `${quote(path)} leads through ${quote(step)}, which is no mapping in \`data\``, at);
    parent = member as Record<string, unknown>;
  }
  parent[last] = value;
}

function readerOf(node: YamlNode, what: string): MapReader {
  return node.kind === 'map' ? new MapReader(node, CODE) : rejectAt(CODE, `${what} is a mapping`, node.at);
}
