import { EventRegistry, dataschemaOf, familyOf, type EventTypeVersion } from './event-registry';
import { INPUT_FAMILIES, KNOWLEDGE_FAMILIES, eventRegistry } from './event-types';
import { newAjv } from './event-validator';
import type { EventSeq } from './ids';
import { readLoggedEvent, readLoggedEvents, type OpenPersonalFields } from './logged-event';

const version = (type: string, number: number, upcast?: EventTypeVersion['upcast']): EventTypeVersion => ({
  type,
  version: number,
  description: 'A test.',
  dataSchema: { type: 'object' },
  upcast,
});
/** Version 2 renames `user` to `name`, version 3 wraps it. */
const chain = new EventRegistry([
  version('test.happened', 1),
  version('test.happened', 2, ({ user, ...rest }) => ({ ...rest, name: user })),
  version('test.happened', 3, ({ name, ...rest }) => ({ ...rest, user: { name } })),
  version('test.other', 1),
]);
const codeOf = (act: () => unknown): unknown => {
  try {
    act();
    return undefined;
  } catch (error) {
    const { code, details } = error as { code: string; details: object };
    return { code, details };
  }
};

describe('EventRegistry', () => {
  it('lifts data through every version from the stored one to the latest', () => {
    const lift = (stored: number | undefined, data: object) =>
      chain.upcast(
        'test.happened',
        stored === undefined ? undefined : dataschemaOf('test.happened', stored),
        data as Record<string, unknown>,
      );
    expect(lift(1, { user: 'anna', ward: 'a' })).toEqual({ ward: 'a', user: { name: 'anna' } });
    expect(lift(undefined, { user: 'anna' })).toEqual({ user: { name: 'anna' } });
    expect(lift(2, { name: 'anna' })).toEqual({ user: { name: 'anna' } });
    const latest = { user: { name: 'anna' } };
    expect(lift(3, latest)).toBe(latest);
  });

  it('changes no stored data', () => {
    const stored = Object.freeze({ user: 'anna' });
    chain.upcast('test.happened', undefined, stored);
    expect(stored).toEqual({ user: 'anna' });
  });

  it('stops at a newer version, an unknown type, and a schema of another type', () => {
    expect(codeOf(() => chain.resolve('test.happened', dataschemaOf('test.happened', 4)))).toEqual({
      code: 'EVENT_VERSION_UNKNOWN',
      details: { type: 'test.happened', version: 4, versionMax: 3 },
    });
    expect(codeOf(() => chain.resolve('test.unheard'))).toMatchObject({ code: 'EVENT_TYPE_UNKNOWN' });
    expect(codeOf(() => chain.resolve('__proto__'))).toMatchObject({ code: 'EVENT_TYPE_UNKNOWN' });
    for (const dataschema of [
      'urn:protego:test.other@1',
      'urn:protego:test.happened@0',
      'urn:protego:test.happened@1x',
      'x',
    ])
      expect(codeOf(() => chain.resolve('test.happened', dataschema))).toMatchObject({
        code: 'EVENT_ENVELOPE_INVALID',
      });
  });

  it('takes only gapless chains of versions with an upcaster each', () => {
    expect(codeOf(() => new EventRegistry([version('a.b', 2, (data) => data)]))).toMatchObject({ code: 'INTERNAL' });
    expect(codeOf(() => new EventRegistry([version('a.b', 1), version('a.b', 2)]))).toMatchObject({ code: 'INTERNAL' });
    expect(codeOf(() => new EventRegistry([version('a.b', 1), version('a.b', 1)]))).toMatchObject({ code: 'INTERNAL' });
  });

  it('lists types, their latest versions and all versions', () => {
    expect(chain.types()).toEqual(['test.happened', 'test.other']);
    expect(chain.latest().map((each) => each.version)).toEqual([3, 1]);
    expect(chain.all()).toHaveLength(4);
    expect(chain.latestVersionOf('test.happened')).toBe(3);
    expect(codeOf(() => chain.latestVersionOf('test.unheard'))).toMatchObject({ code: 'EVENT_TYPE_UNKNOWN' });
  });
});

describe('readLoggedEvent', () => {
  const stored = (event: object) => ({
    seq: 5 as EventSeq,
    timeMs: 1,
    arrivedAtMs: 2,
    body: new TextEncoder().encode(JSON.stringify(event)),
  });

  it('gives an event back with its data at the latest version, and says so', () => {
    const { event, ...rest } = readLoggedEvent(stored({ type: 'test.happened', data: { user: 'anna' } }), chain);
    expect(rest).toEqual({ seq: 5, timeMs: 1, arrivedAtMs: 2 });
    expect(event).toMatchObject({ dataschema: 'urn:protego:test.happened@3', data: { user: { name: 'anna' } } });
    const again = readLoggedEvent(stored(event), chain);
    expect(again.event).toEqual(event);
  });

  it('leaves an event of the latest version as it is', () => {
    const event = { type: 'test.other', data: { a: 1 } };
    expect(readLoggedEvent(stored(event), chain).event).toEqual(event);
  });

  it('stops at bytes that are no UTF-8', () => {
    const body = new Uint8Array([0x22, 0xff, 0x22]);
    expect(() => readLoggedEvent({ ...stored({}), body }, chain)).toThrow();
  });
});

describe('readLoggedEvents', () => {
  const stored = (seq: number, sealed?: string) => ({
    seq: seq as EventSeq,
    timeMs: 1,
    arrivedAtMs: 2,
    body: new TextEncoder().encode(JSON.stringify({ type: 'test.happened', data: { user: `~s.${seq}` } })),
    ...(sealed === undefined ? {} : { sealed: new TextEncoder().encode(sealed) }),
  });
  const open = jest.fn<ReturnType<OpenPersonalFields>, Parameters<OpenPersonalFields>>(async (records) =>
    records.map(({ event, sealed }) => {
      const user = new TextDecoder().decode(sealed);
      if (user === 'gone') return { event, pseudonyms: new Map(), erased: ['/data/user'] };
      const pseudonyms = new Map([[user, String(event.data['user'])]]);
      return { event: { ...event, data: { user } }, pseudonyms, erased: [] };
    }),
  );

  it('opens all that hold sealed fields in one call, and gives each its own', async () => {
    open.mockClear();
    const records = [stored(1), stored(2, 'anna'), stored(3, ''), stored(4, 'gone'), stored(5, 'bert')];
    const events = await readLoggedEvents(records, chain, open);
    expect(events.map(({ seq, event }) => [seq, event.data])).toEqual([
      [1, { user: { name: '~s.1' } }],
      [2, { user: { name: 'anna' } }],
      [3, { user: { name: '~s.3' } }],
      [4, { user: { name: '~s.4' } }],
      [5, { user: { name: 'bert' } }],
    ]);
    expect(events.map(({ pseudonyms }) => pseudonyms && [...pseudonyms])).toEqual([
      undefined,
      [['anna', '~s.2']],
      undefined,
      undefined,
      [['bert', '~s.5']],
    ]);
    expect(events.map(({ erased }) => erased)).toEqual([undefined, undefined, undefined, ['/data/user'], undefined]);
    expect(open.mock.calls.map(([asked]) => asked.length)).toEqual([3]);
  });

  it('asks nobody where there is nothing to open, and leaves fields sealed without `open`', async () => {
    open.mockClear();
    expect(await readLoggedEvents([stored(1)], chain, open)).toEqual([readLoggedEvent(stored(1), chain)]);
    expect(await readLoggedEvents([stored(2, 'anna')], chain)).toEqual([readLoggedEvent(stored(2), chain)]);
    expect(open).not.toHaveBeenCalled();
  });
});

describe('eventRegistry', () => {
  it('has a schema that compiles and a sentence for every version', () => {
    const ajv = newAjv();
    for (const { dataSchema, description } of eventRegistry.all()) {
      expect(() => ajv.compile(dataSchema)).not.toThrow();
      expect(description).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('has types in every family that a source may publish', () => {
    const families = new Set(eventRegistry.types().map(familyOf));
    for (const family of [...INPUT_FAMILIES, ...KNOWLEDGE_FAMILIES]) expect(families).toContain(family);
  });
});

describe('familyOf', () => {
  it('is the first token of a type', () => {
    expect([familyOf('access.signed-in'), familyOf('odd'), familyOf('')]).toEqual(['access', 'odd', '']);
  });
});
