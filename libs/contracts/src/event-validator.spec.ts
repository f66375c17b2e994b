import fc from 'fast-check';
import { isProtegoError, type ProtegoError } from './error';
import { EventRegistry } from './event-registry';
import { eventRegistry } from './event-types';
import { ENVELOPE_SCHEMA, EventValidator, newAjv } from './event-validator';

const VALID = {
  specversion: '1.0',
  id: 'e1',
  source: 'ehr',
  type: 'access.signed-in',
  time: '2026-03-02T07:00:00Z',
  subject: 'anna',
  site: 'north',
  dataschema: 'urn:protego:access.signed-in@1',
  datacontenttype: 'application/json',
  arrivedat: '2026-03-02T07:00:01Z',
  dataref: 'https://example.org/1',
  traceparent: 'x',
  data: { user: { uid: 'anna' } },
} as const;
const validator = new EventValidator(eventRegistry);
const failureOf = (value: unknown): { code: string; details: Record<string, unknown> } | undefined => {
  try {
    validator.check(value);
    return undefined;
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return { code: error.code, details: error.details };
  }
};
const without = (name: string): object => Object.fromEntries(Object.entries(VALID).filter(([key]) => key !== name));

describe('EventValidator', () => {
  it('takes a valid event and gives its times', () => {
    expect(validator.check(VALID)).toEqual({
      event: VALID,
      timeMs: Date.UTC(2026, 2, 2, 7),
      arrivedAtMs: Date.UTC(2026, 2, 2, 7, 0, 1),
    });
    expect(validator.check(without('arrivedat')).arrivedAtMs).toBeUndefined();
  });

  it.each(['specversion', 'id', 'source', 'type', 'time', 'site', 'data'])('asks for %s, and names it', (field) => {
    expect(failureOf(without(field))).toEqual({ code: 'EVENT_ENVELOPE_INVALID', details: { field } });
  });

  it.each([
    ['time', 'yesterday'],
    ['arrivedat', '2026-02-29T00:00:00Z'],
    ['site', 'North'],
    ['source', 'a.b'],
    ['datacontenttype', 'text/xml'],
    ['UPPER', 1],
  ])('refuses %s when it is %j', (field, value) => {
    expect(failureOf({ ...VALID, [field]: value })).toEqual({ code: 'EVENT_ENVELOPE_INVALID', details: { field } });
  });

  it.each([[null], [[VALID]], ['text'], [7]])('refuses %j, which is no object', (value) => {
    expect(failureOf(value)?.code).toBe('EVENT_ENVELOPE_INVALID');
  });

  it('names the field of `data` that breaks the schema of the type', () => {
    expect(failureOf({ ...VALID, data: { user: { uid: 7 } } })).toEqual({
      code: 'EVENT_DATA_INVALID',
      details: { type: 'access.signed-in', field: 'data.user.uid' },
    });
    expect(failureOf({ ...VALID, data: {} })?.code).toBe('EVENT_DATA_INVALID');
  });

  it('knows types and versions', () => {
    expect(failureOf({ ...without('dataschema'), type: 'access.unheard' })?.code).toBe('EVENT_TYPE_UNKNOWN');
    expect(failureOf({ ...VALID, dataschema: 'urn:protego:access.signed-in@9' })?.code).toBe('EVENT_VERSION_UNKNOWN');
    expect(failureOf({ ...VALID, dataschema: 'urn:protego:access.session-ended@1' })?.code).toBe(
      'EVENT_ENVELOPE_INVALID',
    );
  });

  it('checks an event by the schema of the version that it names', () => {
    const registry = new EventRegistry([
      { type: 'a.b', version: 1, description: 'Old.', dataSchema: { type: 'object', required: ['old'] } },
      {
        type: 'a.b',
        version: 2,
        description: 'New.',
        dataSchema: { type: 'object', required: ['new'] },
        upcast: () => ({ new: 1 }),
      },
    ]);
    const versioned = new EventValidator(registry);
    const event = { ...without('dataschema'), type: 'a.b', data: { old: 1 } };
    expect(() => versioned.check(event)).not.toThrow();
    expect(() => versioned.check({ ...event, dataschema: 'urn:protego:a.b@2' })).toThrow(
      '`data` must have required property',
    );
  });

  it('cuts a field name that is too long to repeat', () => {
    expect(failureOf({ ...VALID, ['x'.repeat(1_000)]: 1 })?.details['field']).toHaveLength(64);
  });
});

describe('the check of the envelope, which is written by hand', () => {
  // Whether type, version and data are known is of no interest here, only whether the envelope was taken.
  const schemaVerdict = newAjv().compile(ENVELOPE_SCHEMA);
  const envelopeVerdict = (value: unknown): boolean => {
    try {
      validator.check(value);
      return true;
    } catch (error) {
      const { code, message } = error as ProtegoError;
      return code !== 'EVENT_ENVELOPE_INVALID' || message.includes('does not name type');
    }
  };
  const name = fc.oneof(
    fc.constantFrom(
      ...Object.keys(VALID),
      '__proto__',
      'constructor',
      'Upper',
      'a_b',
      '',
      'x'.repeat(20),
      'x'.repeat(21),
    ),
    fc.string({ maxLength: 4 }),
  );
  const sized = (unit: string) =>
    fc.constantFrom(63, 64, 65, 127, 128, 129, 255, 256, 257, 513, 2_047, 2_049).map((count) => unit.repeat(count));
  const twoDigits = fc.constantFrom(
    '00',
    '01',
    '02',
    '12',
    '13',
    '23',
    '24',
    '28',
    '29',
    '30',
    '31',
    '32',
    '59',
    '60',
    '61',
  );
  const time = fc
    .tuple(
      fc.constantFrom('0000', '1900', '2024', '2026', '9999', '10000', '26'),
      fc.tuple(twoDigits, twoDigits, twoDigits, twoDigits, twoDigits),
      fc.constantFrom('T', 't', ' ', '_', '\t', ''),
      fc.constantFrom('', '.5', '.123456789', '.1234567890', `.${'1'.repeat(60)}`, '.', ',5'),
      fc.constantFrom('Z', 'z', '+01:00', '-23:59', '+24:00', '+0100', '+01', ''),
    )
    .map(
      ([year, [month, day, hour, minute, second], between, fraction, offset]) =>
        `${year}-${month}-${day}${between}${hour}:${minute}:${second}${fraction}${offset}`,
    );
  const value = fc.oneof(
    time,
    fc.constantFrom(
      '1.0',
      'ehr',
      'a-b',
      '-a',
      'A',
      'application/json',
      'application/cloudevents+json',
      'application/+json',
      'a\n',
      '',
    ),
    sized('x'),
    sized('\u{1f600}'),
    fc.constant(`application/${'x'.repeat(120)}+json`),
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom<unknown>(null, 1, true, [], {}, { a: 1 }, ['a']),
  );
  const mutation = fc.oneof(
    fc.record({ name, value }),
    fc.record({ name: fc.constantFrom('time', 'arrivedat'), value: time }),
    fc.record({ name, remove: fc.constant(true) }),
  );

  it('comes to the same verdict as the schema for events with random changes', () => {
    let takenCount = 0;
    let refusedCount = 0;
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 2 }), (mutations) => {
        const event = new Map<string, unknown>(Object.entries(VALID));
        for (const change of mutations) {
          if ('value' in change) event.set(change.name, change.value);
          else event.delete(change.name);
        }
        // As it comes from the wire, where `__proto__` is a name like any other.
        const parsed: unknown = JSON.parse(JSON.stringify(Object.fromEntries(event)));
        const verdict = envelopeVerdict(parsed);
        expect(verdict).toBe(schemaVerdict(parsed));
        if (verdict) takenCount++;
        else refusedCount++;
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(takenCount, refusedCount)).toBeGreaterThan(100);
  });

  it('counts characters as the schema does, not UTF-16 units', () => {
    for (const id of ['\u{1f600}'.repeat(256), '\u{1f600}'.repeat(257), 'x'.repeat(256), 'x'.repeat(257)])
      expect(envelopeVerdict({ ...VALID, id })).toBe(schemaVerdict({ ...VALID, id }));
    expect(envelopeVerdict({ ...VALID, id: '\u{1f600}'.repeat(256) })).toBe(true);
  });
});
