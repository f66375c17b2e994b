import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { BodyDecoder, decodeBody } from './body-decoder';
import { STEADY_BYTES_MAX } from './body-shape';
import { canonicalJson } from './canonical-json';

/** What a way of decoding makes of some bytes: a value, or that it refuses them. */
function outcomeOf(decode: () => unknown): unknown {
  try {
    return { value: decode() };
  } catch (error) {
    return { refused: (error as Error).name };
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const parsed = (bytes: Uint8Array): unknown => outcomeOf(() => JSON.parse(utf8.decode(bytes)));
const decodedBy = (decoder: BodyDecoder, bytes: Uint8Array): unknown =>
  outcomeOf(() => decoder.decode(bytes, 0, bytes.length, 'a.type'));

/** Not with toStrictEqual, which takes a member named `constructor` for the class of its object. */
function expectAsParsed(decoder: BodyDecoder, text: string): void {
  const bytes = Buffer.from(text);
  const [decoded, wanted] = [decodedBy(decoder, bytes), parsed(bytes)];
  if (!isDeepStrictEqual(decoded, wanted)) expect({ text, ...(decoded as object) }).toBe(wanted);
}

/** A decoder that has met all of these bodies. */
function decoderOf(...bodies: readonly string[]): BodyDecoder {
  const decoder = new BodyDecoder();
  for (const body of bodies) decodedBy(decoder, Buffer.from(body));
  return decoder;
}

/** Expects what JSON.parse says of each text, from a decoder that met the first of them before. */
function expectSame(first: string, ...others: readonly string[]): void {
  const decoder = decoderOf(first);
  for (const text of [first, ...others, first, ...others]) {
    expectAsParsed(decoder, text);
  }
}

const leaf = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom('\ud800', 'pump-1', 'C:\\Windows\\System32', '2026-03-02T07:00:00.000Z', 'x'.repeat(80)),
  fc.double(),
  fc.maxSafeInteger(),
  fc.integer({ min: -20, max: 20 }),
  fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(6)).map(([n, digits]) => n / 10 ** digits),
  fc.constantFrom(-0, 1e21, 1e-7, 5e-324, 0.1, 2 ** 53, 123_456_789_012_345_680, 0.30000000000000004),
  fc.constantFrom(true, false, null, [], {}, [1, 'a"]', { b: [] }], [[['\\']]]),
);
const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', '10', '9', '', 'a"b', 'é', 'data', 'id', 'a', 'b', 'c'),
  fc.string({ maxLength: 3 }),
);
/** Values of one shape: keys, and for each another shape or undefined for a leaf. */
const shape = fc.letrec<{ object: fc.Arbitrary<unknown>; member: fc.Arbitrary<unknown> }>((tie) => ({
  object: fc
    .uniqueArray(fc.tuple(key, tie('member')), { selector: ([name]) => name, maxLength: 5 })
    .map((members) =>
      fc
        .tuple(...members.map(([name, member]) => (member as fc.Arbitrary<unknown>).map((value) => [name, value])))
        .map((entries) => Object.fromEntries(entries as [string, unknown][])),
    ) as never,
  member: fc.oneof({ maxDepth: 3 }, fc.constant(leaf), fc.constant(leaf), tie('object')) as never,
})).object as unknown as fc.Arbitrary<fc.Arbitrary<unknown>>;
const values = shape.chain((one) => fc.array(one, { minLength: 2, maxLength: 12 }));

/** A text with something done to it: bytes cut off, put in, or replaced. */
const damage = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...'{}[]",:\\ 0.-eE+1tn\u0000\u007f\u0080ü'));
function damaged(text: string, [place, cut, added]: readonly [number, number, string]): string {
  const at = place % (text.length + 1);
  return text.slice(0, at) + added + text.slice(at + cut);
}

const EVENT = {
  arrivedat: '2026-03-02T07:00:00.003Z',
  data: { device: { uid: 'pump-1' }, traffic: { bytes_in: 12 } },
  id: 'flow-00000001',
  site: 'north',
  source: 'network-monitor',
  specversion: '1.0',
  time: '2026-03-02T07:00:00.000Z',
  type: 'device.network-flow-observed',
};

describe('BodyDecoder', () => {
  it('gives what JSON.parse gives, for values of one shape', () => {
    fc.assert(
      fc.property(values, (each) => {
        const decoder = new BodyDecoder();
        for (const value of each) {
          expectAsParsed(decoder, JSON.stringify(value));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives what JSON.parse gives, or refuses as it does, for damaged texts', () => {
    fc.assert(
      fc.property(values, fc.array(damage, { minLength: 1, maxLength: 20 }), (each, damages) => {
        const texts = each.map((value) => JSON.stringify(value));
        const decoder = decoderOf(...texts);
        damages.forEach((one, n) => {
          expectAsParsed(decoder, damaged(texts[n % texts.length] as string, one));
        });
      }),
      { numRuns: 500 },
    );
  });

  it('reads every beginning of a body as JSON.parse does: it refuses all but the whole', () => {
    const text = canonicalJson(EVENT);
    expectSame(text, ...Array.from({ length: text.length }, (_, length) => text.slice(0, length)));
  });

  it.each([
    '0',
    '-0',
    '1',
    '-1.5',
    '0.0',
    '-0.0',
    '1e21',
    '1E+2',
    '0.1',
    '123456789012345',
    '1234567890123456',
    '1e400',
  ])('reads the number %s', (number) => expectSame('{"a":7}', `{"a":${number}}`));

  it.each(['01', '-', '+1', '1.', '.5', '-.5', '1.2.3', '1e', '1e+', '--1', '1-', '0x1', '00', 'NaN', '1_0', '-01'])(
    'refuses the number %s',
    (number) => expectSame('{"a":7}', `{"a":${number}}`),
  );

  it.each(['"\\u0041"', '"\\ud800"', '"\\"', '"\\x"', '"a\\\\"', '"\t"', '"ü"', 'true', 'tru', 'nul', 'null', 'false'])(
    'reads %s as JSON.parse does',
    (text) => expectSame('{"a":"x"}', `{"a":${text}}`),
  );

  it('reads events with each set of keys', () => {
    const withSubject = { ...EVENT, subject: 'pump-1' };
    const flat = { ...EVENT, data: {} };
    const nestedId = { ...EVENT, id: { a: 1 } };
    const lesser = { data: EVENT.data, id: '1' };
    expectSame(
      ...([EVENT, withSubject, flat, { ...withSubject, data: 1 }, nestedId, lesser].map(canonicalJson) as [string]),
    );
  });

  it('reads objects of many keys, with values of each kind in turn', () => {
    const leaves = ['text', 1, -0, 1.5, null, true, [], {}, ['a'], 'x'.repeat(90)];
    const wideOf = (n: number): object =>
      Object.fromEntries(Array.from({ length: 40 }, (_, k) => [`k${k}`, leaves[(n + k) % leaves.length]]));
    const bodies = Array.from({ length: 30 }, (_, n) => JSON.stringify({ ...wideOf(n), inner: wideOf(n + 1), 7: n }));
    expectSame(...(bodies as [string]));
  });

  it('keeps the order of the keys', () => {
    const decoder = new BodyDecoder();
    const text = canonicalJson({ ...EVENT, subject: 's' });
    const bytes = Buffer.from(text);
    for (let n = 0; n < 3; n++) expect(JSON.stringify(decoder.decode(bytes, 0, bytes.length, 't'))).toBe(text);
  });

  it('gives each body objects of its own', () => {
    const decoder = new BodyDecoder();
    const bytes = Buffer.from('{"a":{"b":[1]}}');
    const [one, other] = [1, 2, 3]
      .map(() => decoder.decode(bytes, 0, bytes.length, 't') as { a: { b: number[] } })
      .slice(1);
    (one as { a: { b: number[] } }).a.b.push(2);
    expect(other).toStrictEqual({ a: { b: [1] } });
  });

  it('reads the bytes as they are now, also in memory that was used before', () => {
    const decoder = decoderOf('{"a":"x"}');
    const memory = Buffer.alloc(64);
    for (const text of ['{"a":"one"}', '{"a":"one"}', '{"a":"two"}', '{"a":"two"}', `{"a":"${'x'.repeat(20)}"}`]) {
      memory.write(text, 3);
      expect(decoder.decode(memory, 3, 3 + text.length, 'a.type')).toStrictEqual(JSON.parse(text));
    }
  });

  it('does not read over the end of a body into the next', () => {
    const memory = Buffer.from('{"a":12,"b":"x"}{"a":12,"b":"x"}');
    const decoder = decoderOf('{"a":12,"b":"x"}');
    for (let end = 1; end < 16; end++) expect(() => decoder.decode(memory, 0, end, 'a.type')).toThrow(SyntaxError);
    expect(decoder.decode(memory, 16, 32, 'a.type')).toStrictEqual({ a: 12, b: 'x' });
  });

  it('reads a body that lies in memory of its own, whole and cut off at each place', () => {
    const text = canonicalJson({ ...EVENT, subject: true });
    const decoder = decoderOf(text);
    for (let length = text.length; length > 0; length--) {
      const bytes = Uint8Array.from(Buffer.from(text.slice(0, length)));
      expect(decodedBy(decoder, bytes)).toStrictEqual(parsed(bytes));
    }
  });

  it('reads each body from its own memory', () => {
    const decoder = new BodyDecoder();
    for (const text of ['{"a":"one"}', '{"a":"two"}', '{"a":"one"}']) {
      const bytes = Uint8Array.from(Buffer.from(text));
      expect(decoder.decode(bytes, 0, bytes.length, 'a.type')).toStrictEqual(JSON.parse(text));
    }
  });

  it('reads a string with escapes that comes again, and others between them', () => {
    const texts = ['C:\\a', 'C:\\a', 'C:\\b', 'C:\\', 'C:"', 'C:\\a', 'C:'].map((a) => JSON.stringify({ a, b: a }));
    expectSame(...(texts as [string]));
    expectSame(...(texts as [string]), '{"a":"C:\\"}', '{"a":"C:\\\\","b":"C:\\"}', '{"a":"C:\\","b":"x"}');
  });

  it('does not read over the end of the bytes that it is given', () => {
    const memory = Buffer.from('{"a":12}{"b":12}');
    const first = memory.subarray(0, 8);
    const decoder = decoderOf('{"a":12}', '{"b":12}');
    expect(decoder.decode(first, 0, 16, 'a.type')).toStrictEqual({ a: 12 });
    expect(() => decoder.decode(first, 8, 16, 'a.type')).toThrow(SyntaxError);
  });

  it('gives out strings of each length, the same again and others between them', () => {
    const texts = [0, 1, 12, 13, 14, STEADY_BYTES_MAX, STEADY_BYTES_MAX + 1, 300].flatMap((length) =>
      ['a', 'a', 'b', 'a'].map((char) => `{"a":"${char.repeat(length)}","b":"same"}`),
    );
    expectSame(...(texts as [string]));
  });

  it('goes on exactly after more shapes than it keeps, and more types', () => {
    const decoder = new BodyDecoder();
    for (let n = 0; n < 2_000; n++) {
      const value = { [`k${n % 40}`]: n, b: { [`x${n % 7}`]: 'y' } };
      const bytes = Buffer.from(JSON.stringify(value));
      expect(decoder.decode(bytes, 0, bytes.length, n % 2 === 0 ? 'even' : `type-${n}`)).toStrictEqual(value);
    }
  });

  it('refuses bytes that are no UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    decodeBody(Buffer.from('{"a":"x"}'), 0, 9, 't');
    expect(() => decodeBody(bytes, 0, bytes.length, 't')).toThrow('utf-8');
  });
});
