import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { ProtegoError } from './error';
import type { EventRegistry, EventTypeVersion, JsonSchema } from './event-registry';
import type { ProtegoEvent } from './event';
import { isNameToken } from './ids';
import { parseRfc3339Ms } from './time';

const text = (maxLength: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength });

/** JSON Schema of the envelope: CloudEvents 1.0 structured mode with Protego's required attributes. */
export const ENVELOPE_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['specversion', 'id', 'source', 'type', 'time', 'site', 'data'],
  properties: {
    specversion: { const: '1.0' },
    id: text(256),
    source: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
    type: text(128),
    time: { type: 'string', format: 'date-time', maxLength: 64 },
    subject: text(256),
    site: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
    dataschema: text(256),
    datacontenttype: { type: 'string', pattern: '^application/([a-z0-9.-]+\\+)?json$', maxLength: 128 },
    arrivedat: { type: 'string', format: 'date-time', maxLength: 64 },
    dataref: text(2048),
    data: { type: 'object' },
  },
  // CloudEvents extension attributes: lower-case letters and digits.
  patternProperties: { '^[a-z0-9]{1,20}$': true },
  additionalProperties: false,
};

/** Checks envelopes and `data` against the registry. Stateless apart from compiled schemas. */
export class EventValidator {
  readonly #ajv = newAjv();
  readonly #compiled = new Map<EventTypeVersion, ValidateFunction>();

  constructor(readonly registry: EventRegistry) {}

  /**
   * The value as an event, when it is one: envelope, type, version, time and `data` are all checked.
   *
   * @throws ProtegoError `EVENT_ENVELOPE_INVALID`, `EVENT_TYPE_UNKNOWN`, `EVENT_VERSION_UNKNOWN`, `EVENT_DATA_INVALID`
   */
  check(value: unknown): { event: ProtegoEvent; timeMs: number; arrivedAtMs: number | undefined } {
    const event = checkEnvelope(value);
    const timeMs = timeOf(event.time, 'time');
    const arrivedAtMs = event.arrivedat === undefined ? undefined : timeOf(event.arrivedat, 'arrivedat');
    const entry = this.registry.resolve(event.type, event.dataschema);
    const validate = this.#validatorOf(entry);
    if (!validate(event.data)) {
      throw new ProtegoError('EVENT_DATA_INVALID', `data of \`${event.type}\` ${explain(validate.errors)}`, {
        type: event.type,
        field: fieldOf('data', validate.errors),
      });
    }
    return { event, timeMs, arrivedAtMs };
  }

  #validatorOf(entry: EventTypeVersion): ValidateFunction {
    let validate = this.#compiled.get(entry);
    if (validate === undefined) {
      validate = this.#ajv.compile(entry.dataSchema);
      this.#compiled.set(entry, validate);
    }
    return validate;
  }
}

/** An Ajv instance with formats, as every schema of the house expects it. */
export function newAjv(options: { allErrors?: boolean } = {}): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: options.allErrors ?? false,
    strict: true,
    strictTypes: false,
    strictRequired: false,
  });
  addFormats(ajv);
  // The ready-made format also takes what RFC 3339 does not have, such as offsets without a colon.
  ajv.addFormat('date-time', (value: string) => parseRfc3339Ms(value) !== undefined);
  return ajv;
}

const ATTRIBUTES = new Set(Object.keys(ENVELOPE_SCHEMA['properties'] as object));
const EXTENSION = /^[a-z0-9]{1,20}$/;
const JSON_CONTENT = /^application\/([a-z0-9.-]+\+)?json$/;

// Written out by hand because it runs for every event; a property test holds it against ENVELOPE_SCHEMA.
function checkEnvelope(value: unknown): ProtegoEvent {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new ProtegoError('EVENT_ENVELOPE_INVALID', 'an event is one JSON object');
  }
  const event = value as Record<string, unknown>;
  if (event['specversion'] !== '1.0') reject('specversion', 'must be `1.0`');
  textOf(event, 'id', 256);
  textOf(event, 'type', 128);
  nameOf(event, 'source');
  nameOf(event, 'site');
  textOf(event, 'time', 64);
  for (const [name, lengthMax] of OPTIONAL_TEXTS) if (event[name] !== undefined) textOf(event, name, lengthMax);
  if (event['datacontenttype'] !== undefined && !JSON_CONTENT.test(event['datacontenttype'] as string))
    reject('datacontenttype', 'must be JSON');
  const data = event['data'];
  if (data === null || typeof data !== 'object' || Array.isArray(data)) reject('data', 'must be an object');
  for (const name of Object.keys(event))
    if (!ATTRIBUTES.has(name) && !EXTENSION.test(name)) reject(name, 'is not a CloudEvents attribute name');
  return event as unknown as ProtegoEvent;
}

const OPTIONAL_TEXTS = [
  ['subject', 256],
  ['dataschema', 256],
  ['datacontenttype', 128],
  ['arrivedat', 64],
  ['dataref', 2048],
] as const;

function textOf(event: Record<string, unknown>, field: string, lengthMax: number): void {
  const value = event[field];
  if (typeof value !== 'string' || value.length === 0 || isLongerThan(value, lengthMax))
    reject(field, `must be text of 1 to ${lengthMax} characters`);
}

// JSON Schema counts code points; UTF-16 units are at least as many and at most twice as many.
function isLongerThan(text: string, charactersMax: number): boolean {
  if (text.length <= charactersMax) return false;
  return text.length > 2 * charactersMax || [...text].length > charactersMax;
}

function nameOf(event: Record<string, unknown>, field: string): void {
  const value = event[field];
  if (typeof value !== 'string' || !isNameToken(value))
    reject(field, 'must be lower-case letters, digits and dashes, at most 64');
}

function timeOf(value: string, field: string): number {
  return parseRfc3339Ms(value) ?? reject(field, 'must be an RFC 3339 date-time with an offset');
}

function reject(field: string, problem: string): never {
  throw new ProtegoError('EVENT_ENVELOPE_INVALID', `\`${field.slice(0, 64)}\` ${problem}`, {
    field: field.slice(0, 64),
  });
}

function explain(errors: ErrorObject[] | null | undefined): string {
  const first = errors?.[0];
  return first === undefined ? 'is invalid' : `\`${fieldOf('data', errors)}\` ${first.message ?? 'is invalid'}`;
}

function fieldOf(root: string, errors: ErrorObject[] | null | undefined): string {
  return root + (errors?.[0]?.instancePath ?? '').replaceAll('/', '.');
}
