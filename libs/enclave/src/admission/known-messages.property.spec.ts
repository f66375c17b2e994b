import { canonicalJson, isProtegoError, type ProtegoEvent } from '@protego/contracts';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileVault } from '../file-vault';
import { type SealedEvent } from '../personal-data';
import { eventOf } from '../testing/sample-events';
import { SAMPLE_GATE } from '../testing/sample-gate';
import { shippedFields } from '../testing/shipped-fields';
import { EventGate, type AdmittedMessage } from './event-gate';
import { KnownMessages } from './known-messages';

const gate = new EventGate(SAMPLE_GATE);
const directory = mkdtempSync(join(tmpdir(), 'protego-known-'));
let vault: FileVault;

beforeAll(async () => {
  vault = await FileVault.open({ directory, mode: 'write', root: Buffer.alloc(32, 7), fields: shippedFields() });
});

afterAll(async () => {
  await vault.close();
  rmSync(directory, { recursive: true });
});

/** What is kept of an admitted message, without what is drawn at random. */
function kept(admitted: AdmittedMessage, { body, contentHash, subjects, clear }: SealedEvent): unknown {
  const slots = clear.map(({ kind, plaintext }) => [kind, plaintext.toString('latin1')]);
  return { ...admitted, body: body.toString('utf8'), contentHash: contentHash.toString('hex'), subjects, slots };
}

function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return isProtegoError(error) ? error.code : error;
  }
}

const inputOf = (bytes: Uint8Array, source = 'feed') => ({ bytes, source, family: undefined });

function parsed(bytes: Uint8Array): unknown {
  return outcome(() => {
    const { event, timeMs, carriedMs } = gate.admit(inputOf(bytes));
    const { source, id, type } = event;
    return kept({ source, id, type, timeMs, carriedMs }, vault.seal(event));
  });
}

/** Undefined where it is left to the parser. */
function unparsed(known: KnownMessages, bytes: Uint8Array): unknown {
  const message = known.match(bytes);
  if (message === undefined) return undefined;
  try {
    return outcome(() => {
      const admitted = gate.admitKnown(message, inputOf(bytes));
      return admitted && kept(admitted, vault.sealMessage(message));
    });
  } finally {
    message.forget();
  }
}

/** Ways of producers to write JSON. */
const STYLES: readonly ((event: unknown) => string)[] = [
  (event) => JSON.stringify(event),
  (event) => JSON.stringify(event, undefined, 2),
  (event) => ` ${JSON.stringify(event).replaceAll(':{', ' : {')}\r\n`,
];

const teacher = {
  ...eventOf('access.record-read', {
    actor: { user: { uid: 'p-016', name: 'Jane Doe', role: 'nurse', ward: 'surgery' } },
    patient: { uid: 'pt-0010', name: 'John Roe', ward: 'surgery' },
    device: { uid: 'tablet-02', ip: '10.20.0.19' },
    care_relationship: true,
    record_type: 'chart',
  }),
  source: 'feed',
  subject: 'p-016',
  arrivedat: '2026-03-02T08:00:00.000Z',
};

const odd = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    '',
    ' ',
    'SYSTEM',
    'host$',
    '~t.0',
    '~s.AAAAAAAAAAAAAAAAAAAAAA',
    {},
    [],
    'ü',
  ),
  fc.constantFrom<unknown>('x'.repeat(300), 'x'.repeat(4096), 'x'.repeat(4097), 2 ** 53, -0, 1e21, 0.1, 12.5),
);
const paths = pathsOf(teacher);

function pathsOf(value: object, path: readonly string[] = []): string[][] {
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    typeof member === 'object' && member !== null ? pathsOf(member, [...path, key]) : [[...path, key]],
  );
}

/** A copy with another value at a path. */
function withLeaf(event: object, [key, ...rest]: readonly string[], value: unknown): object {
  const member = (event as Record<string, unknown>)[key as string];
  return { ...event, [key as string]: rest.length === 0 ? value : withLeaf(member as object, rest, value) };
}

const word = fc.string({ unit: fc.constantFrom(...'abc-. 7'), minLength: 1 });
const user = fc.record({ ward: word, uid: word, role: word, name: word }, { requiredKeys: ['uid'] });
const SOUND_EVENT = fc
  .tuple(
    fc.constantFrom('access.signed-in', 'access.record-read', 'access.record-changed', 'access.session-ended'),
    fc.record(
      {
        device: fc.record({ uid: word, ip: word, type: word, ward: word }, { requiredKeys: ['uid'] }),
        user,
        actor: fc.record({ user }),
        patient: fc.record({ ward: word, uid: word, name: word }, { requiredKeys: ['uid'] }),
        src_endpoint: fc.record({ port: fc.nat(65_536), ip: word, zone: word }, { requiredKeys: ['ip'] }),
        mfa: fc.boolean(),
        record_type: word,
      },
      { requiredKeys: ['actor', 'patient', 'user'] },
    ),
    fc.record({ subject: word, dataschema: fc.constant('urn:protego:access.signed-in@1') }, { requiredKeys: [] }),
  )
  .map(([type, data, more]) => {
    const event = { ...eventOf(type, data), ...more, source: 'feed' };
    return JSON.parse(JSON.stringify(event)) as ProtegoEvent;
  });

describe('a message of a known kind', () => {
  it('becomes what it becomes when it is parsed, whatever stands in it', () => {
    let taken = 0;
    const changes = fc.array(fc.tuple(fc.constantFrom(...paths), odd), { maxLength: 3 });
    fc.assert(
      fc.property(changes, fc.constantFrom(...STYLES), (changed, style) => {
        const known = new KnownMessages(shippedFields());
        known.learn(Buffer.from(style(teacher)), teacher as ProtegoEvent);
        const event = changed.reduce<object>((made, [path, value]) => withLeaf(made, path, value), teacher);
        const bytes = Buffer.from(style(event));
        const found = unparsed(known, bytes);
        if (found === undefined) return;
        taken++;
        expect(found).toEqual(parsed(bytes));
      }),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(600);
  });

  it('becomes what it becomes when it is parsed, whatever is done to its bytes', () => {
    const known = new KnownMessages(shippedFields());
    const bytes = Buffer.from(JSON.stringify(teacher));
    known.learn(bytes, teacher as ProtegoEvent);
    let taken = 0;
    const snippet = fc.constantFrom(
      '1e5',
      '-0',
      '01',
      '1.50',
      '1.',
      '-',
      '"\\u0041"',
      'tru',
      'nul',
      '"',
      '{',
      '}',
      ',',
      '\0',
      '\x7f',
      '"a":',
      '\ufeff',
    );
    const put = fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      snippet.map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(12), put, (at, cut, inserted) => {
        const changed = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + cut)]);
        const found = unparsed(known, changed);
        if (found === undefined) return;
        taken++;
        expect(found).toEqual(parsed(changed));
      }),
      { numRuns: 6_000 },
    );
    expect(taken).toBeGreaterThan(150);
  });

  it('is known once it was parsed, among others of whatever types and members', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.array(SOUND_EVENT, { minLength: 1, maxLength: 8 }), (events) => {
        const known = new KnownMessages(shippedFields());
        const messages = events.map((event) => ({ event, bytes: Buffer.from(JSON.stringify(event)) }));
        const before = messages.map(({ bytes }) => parsed(bytes));
        messages.forEach(({ event, bytes }, i) => typeof before[i] !== 'string' && known.learn(bytes, event));
        messages.forEach(({ event, bytes }, i) => {
          const found = unparsed(known, bytes);
          if (found === undefined) return;
          taken++;
          expect(found).toEqual(before[i]);
          expect(found).toMatchObject({ type: event.type });
        });
      }),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(400);
  });
});

describe('KnownMessages', () => {
  const learnt = (event: object, bytes = Buffer.from(JSON.stringify(event))): boolean => {
    const known = new KnownMessages(shippedFields());
    known.learn(bytes, event as ProtegoEvent);
    return known.match(bytes) !== undefined;
  };

  it('keeps nothing of the memory in which a message lay', () => {
    const known = new KnownMessages(shippedFields());
    const bytes = Buffer.from(JSON.stringify(teacher));
    const again = Buffer.from(bytes);
    known.learn(bytes, teacher as ProtegoEvent);
    bytes.fill(0);
    expect(known.match(again)?.text(0)).toBe('1.0');
    known.leave();
  });

  it.each<[string, object]>([
    ['free text', { ...teacher, data: { ...teacher.data, reason: 'asked' } }],
    ['an undeclared member', { ...teacher, data: { ...teacher.data, unheard: 1 } }],
    ['an array', { ...teacher, data: { ...teacher.data, device: { uid: ['a'] } } }],
  ])('leaves messages with %s to the parser', (_, event) => {
    expect(learnt(teacher)).toBe(true);
    expect(learnt(event)).toBe(false);
  });

  it('leaves members that are there twice, or that the parser puts elsewhere, to the parser', () => {
    const text = JSON.stringify(teacher);
    expect(learnt(teacher, Buffer.from(text.replace('"ward":', '"ward":"x","ward":')))).toBe(false);
    const device = { 7: 'a', uid: 'b' };
    const moved = text.replace('{"uid":"tablet-02","ip":"10.20.0.19"}', '{"uid":"b","7":"a"}');
    expect(learnt({ ...teacher, data: { ...teacher.data, device } }, Buffer.from(moved))).toBe(false);
    expect(learnt(teacher, Buffer.from(`\ufeff${text}`))).toBe(false);
  });

  it('tells the types of one layout apart', () => {
    const known = new KnownMessages(shippedFields());
    const types = ['access.record-read', 'access.record-changed', 'access.record-exported'];
    const bytesOf = (type: string): Buffer => Buffer.from(JSON.stringify({ ...teacher, type }));
    for (const type of types) known.learn(bytesOf(type), { ...teacher, type } as ProtegoEvent);
    for (const type of types) expect(known.match(bytesOf(type))?.kind.type).toBe(type);
    expect(known.match(bytesOf('access.record-dropped'))).toBeUndefined();
  });

  it('writes the canonical form', () => {
    const known = new KnownMessages(shippedFields());
    const bytes = Buffer.from(JSON.stringify(teacher));
    known.learn(bytes, teacher as ProtegoEvent);
    const message = known.match(bytes);
    const { JsonBytes } = jest.requireActual<typeof import('../json-bytes')>('../json-bytes');
    const out = new JsonBytes();
    message?.write(out);
    expect(out.take().toString()).toBe(canonicalJson(teacher));
  });
});
