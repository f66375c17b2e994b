import type { ErrorCode, ProtegoEvent } from '@protego/contracts';
import { SITE } from './engine-house';
import { bytesOf, probeEvent, unsignedFirmware } from './sample-events';

/** Event time of the first event on the clock of the feed. */
export const BASE_MS = Date.parse('2026-03-02T07:00:00Z');

/** An input that must be refused. */
export interface BadInput {
  readonly name: string;
  readonly code: ErrorCode;
  /** Status over HTTP; 400 where nothing is said. */
  readonly status?: number;
  readonly bytes: Buffer;
  /** Source of its token; `probe` where nothing is said. */
  readonly source?: string;
  /** Where it is published; the device subject of its source where nothing is said. */
  readonly subject?: string;
  /** Present for what cannot go wrong over the other. */
  readonly only?: 'nats' | 'http';
}

/** Sent before the bad inputs, and in the control run too: what one of them conflicts with. */
export const FIRST_CONTENT = probeEvent(BASE_MS, { id: 'conflict' });

const event = (id: string, part: Partial<ProtegoEvent> = {}): ProtegoEvent => probeEvent(BASE_MS + 1, { ...part, id });
const raw = (id: string, part: object): Buffer => Buffer.from(JSON.stringify({ ...event(id), ...part }));
const text = (content: string): Buffer => Buffer.from(content);
const device = { uid: 'pump-1' };

/** JSON text of the event with a hole filled by text that no writer of JSON would write. */
function spliced(id: string, hole: string): Buffer {
  return text(
    bytesOf(event(id, { data: { device, note: 'HOLE' } }))
      .toString()
      .replace('"HOLE"', hole),
  );
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const padded = (id: string, bytes: number): Buffer => bytesOf(event(id, { data: { device, note: 'x'.repeat(bytes) } }));

const DETECTION = {
  id: '0'.repeat(32),
  ruleId: 'forged',
  ruleHash: '0'.repeat(64),
  title: 'Forged',
  severity: 'low',
  confidence: 'low',
  entities: [],
  window: { start: '2026-03-02T07:00:00Z', end: '2026-03-02T07:00:01Z' },
  certainAt: '2026-03-02T07:00:00Z',
  why: 'forged',
  nextStep: 'none',
  harmlessExplanation: 'none',
  attack: [],
  eventCount: 1,
  status: 'raised',
  evidence: { seqs: [0], checkpoint: { size: 1, rootHash: '0'.repeat(64) } },
};

const NOT_JSON: readonly BadInput[] = [
  { name: 'nothing', code: 'EVENT_JSON_INVALID', bytes: text(''), only: 'nats' },
  { name: 'half of an object', code: 'EVENT_JSON_INVALID', bytes: text('{"specversion":"1.0",') },
  { name: 'invalid UTF-8', code: 'EVENT_JSON_INVALID', bytes: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]) },
  { name: 'an overlong encoding', code: 'EVENT_JSON_INVALID', bytes: Buffer.from([0x22, 0xc0, 0xaf, 0x22]) },
  { name: 'an unfinished escape', code: 'EVENT_JSON_INVALID', bytes: spliced('escape', '"\\u12"') },
  { name: 'a list', code: 'EVENT_ENVELOPE_INVALID', bytes: text('[{}]') },
  { name: 'null', code: 'EVENT_ENVELOPE_INVALID', bytes: text('null') },
];

const WRONG_TYPES: readonly BadInput[] = [
  { name: 'a time that is a number', code: 'EVENT_ENVELOPE_INVALID', bytes: raw('w-1', { time: 5 }) },
  {
    name: 'a time without an offset',
    code: 'EVENT_ENVELOPE_INVALID',
    bytes: raw('w-2', { time: '2026-03-02T07:00:00' }),
  },
  { name: 'data that is text', code: 'EVENT_ENVELOPE_INVALID', bytes: raw('w-3', { data: 'text' }) },
  { name: 'no id', code: 'EVENT_ENVELOPE_INVALID', bytes: raw('w-4', { id: undefined }) },
  {
    name: 'an attribute that CloudEvents does not allow',
    code: 'EVENT_ENVELOPE_INVALID',
    bytes: raw('w-5', { Über: 1 }),
  },
  { name: 'a lone surrogate as attribute', code: 'EVENT_ENVELOPE_INVALID', bytes: raw('w-6', { '\ud800': 1 }) },
  { name: 'a device without uid', code: 'EVENT_DATA_INVALID', bytes: raw('w-7', { data: { device: {} } }) },
  {
    name: 'a device whose uid is a number',
    code: 'EVENT_DATA_INVALID',
    bytes: raw('w-8', { data: { device: { uid: 7 } } }),
  },
];

const WRONG_VALUES: readonly BadInput[] = [
  {
    name: 'a number beyond what JSON carries',
    code: 'EVENT_NUMBER_UNSAFE',
    bytes: spliced('n-1', '1152921504606846976'),
  },
  { name: 'a number that is infinite', code: 'EVENT_NUMBER_UNSAFE', bytes: spliced('n-2', '1e999') },
  { name: 'a lone surrogate', code: 'EVENT_TEXT_INVALID', bytes: spliced('t-1', '"\\ud800"') },
  { name: 'a lone surrogate as key', code: 'EVENT_TEXT_INVALID', bytes: spliced('t-2', '{"\\udfff":1}') },
  { name: 'nesting of 40 levels', code: 'EVENT_TOO_DEEP', bytes: spliced('d-1', nested(40)) },
  { name: 'nesting of 40,000 levels', code: 'EVENT_TOO_DEEP', bytes: spliced('d-2', nested(40_000)) },
  { name: '50 KB', code: 'EVENT_TOO_LARGE', status: 413, bytes: padded('l-1', 50_000) },
  { name: '100 KB', code: 'EVENT_TOO_LARGE', status: 413, bytes: padded('l-2', 100_000) },
  { name: '125 KB', code: 'EVENT_TOO_LARGE', status: 413, bytes: padded('l-3', 125_000) },
];

const WRONG_TYPE_NAMES: readonly BadInput[] = [
  { name: 'an unknown type', code: 'EVENT_TYPE_UNKNOWN', bytes: bytesOf(event('y-1', { type: 'device.exploded' })) },
  { name: 'a lone surrogate in the type', code: 'EVENT_TYPE_UNKNOWN', bytes: raw('y-2', { type: 'device.\ud800' }) },
  { name: 'a type that every object has', code: 'EVENT_TYPE_UNKNOWN', bytes: raw('y-3', { type: 'constructor' }) },
  {
    name: 'an unknown version',
    code: 'EVENT_VERSION_UNKNOWN',
    bytes: bytesOf(event('y-4', { dataschema: 'urn:protego:device.telemetry-reported@9' })),
  },
  {
    name: 'the version of another type',
    code: 'EVENT_ENVELOPE_INVALID',
    bytes: bytesOf(event('y-5', { dataschema: 'urn:protego:device.joined@1' })),
  },
];

const FORGED: readonly BadInput[] = [
  { name: 'another source', code: 'EVENT_SOURCE_FORGED', status: 403, bytes: bytesOf(event('f-1', { source: 'ehr' })) },
  {
    name: 'one feed of the simulation as another',
    code: 'EVENT_SOURCE_FORGED',
    status: 403,
    source: 'biomed-gateway',
    bytes: bytesOf(event('f-2', { source: 'network-monitor' })),
  },
  {
    name: 'a detection',
    code: 'EVENT_TYPE_NOT_ACCEPTED',
    status: 403,
    bytes: bytesOf(event('f-3', { type: 'detection.raised', data: DETECTION })),
  },
  {
    name: 'the end of an import',
    code: 'EVENT_TYPE_NOT_ACCEPTED',
    status: 403,
    bytes: bytesOf(event('f-4', { type: 'log.session-closed', data: { session: 's', reason: 'completed' } })),
  },
  {
    name: 'knowledge from a source that is not authoritative',
    code: 'EVENT_FAMILY_NOT_ALLOWED',
    status: 403,
    bytes: bytesOf(event('f-5', { type: 'watchlist.entry-removed', data: { list: 'l', value: 'v' } })),
    subject: `protego.v1.${SITE}.in.watchlist.probe`,
  },
  {
    name: 'a tick from a source that does not carry the clock',
    code: 'EVENT_FAMILY_NOT_ALLOWED',
    status: 403,
    bytes: bytesOf(event('f-6', { type: 'clock.ticked', data: {} })),
    subject: `protego.v1.${SITE}.in.clock.probe`,
  },
  {
    name: 'a family that the source does not have',
    code: 'EVENT_FAMILY_NOT_ALLOWED',
    status: 403,
    source: 'windows',
    bytes: bytesOf(event('f-7', { source: 'windows', type: 'access.signed-in', data: { user: { uid: 'u' } } })),
    subject: `protego.v1.${SITE}.in.access.windows`,
  },
  {
    name: 'the subject of another family',
    code: 'EVENT_FAMILY_NOT_ALLOWED',
    only: 'nats',
    bytes: bytesOf(event('f-8', { type: 'access.signed-in', data: { user: { uid: 'u' } } })),
  },
];

const MISPLACED: readonly BadInput[] = [
  {
    name: 'a source that nobody declared',
    code: 'EVENT_SOURCE_UNDECLARED',
    source: 'nobody',
    bytes: bytesOf(event('m-1', { source: 'nobody' })),
  },
  { name: 'another site', code: 'EVENT_SITE_FOREIGN', bytes: bytesOf(event('m-2', { site: 'other-site' })) },
  {
    name: 'the subject of another site',
    code: 'EVENT_SITE_FOREIGN',
    only: 'nats',
    bytes: bytesOf(event('m-3', { site: 'other-site' })),
    subject: 'protego.v1.other-site.in.device.probe',
  },
  {
    name: 'a subject of too many parts',
    code: 'SUBJECT_INVALID',
    only: 'nats',
    bytes: bytesOf(event('m-4')),
    subject: `protego.v1.${SITE}.in.device.probe.more`,
  },
  {
    name: 'a subject that is no name',
    code: 'SUBJECT_INVALID',
    only: 'nats',
    bytes: bytesOf(event('m-5')),
    subject: `protego.v1.${SITE}.in.device.PROBE`,
  },
  {
    name: 'an id that came before with other content',
    code: 'EVENT_ID_CONFLICT',
    status: 409,
    bytes: bytesOf(unsignedFirmware(BASE_MS, FIRST_CONTENT.id)),
  },
];

/** Every input that must be refused, each with its code. */
export const BAD_INPUTS: readonly BadInput[] = [
  ...NOT_JSON,
  ...WRONG_TYPES,
  ...WRONG_VALUES,
  ...WRONG_TYPE_NAMES,
  ...FORGED,
  ...MISPLACED,
];
