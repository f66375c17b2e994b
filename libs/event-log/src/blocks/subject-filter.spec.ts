import fc from 'fast-check';
import { FILTER_BYTES_MAX } from './block-format';
import { SubjectFilterBuilder, SubjectProbe, subjectFilterBytes } from './subject-filter';

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const filterOf = (subjects: readonly string[]): Buffer => {
  const builder = new SubjectFilterBuilder(key);
  for (const subject of subjects) builder.add(subject);
  return builder.take();
};
const mayHold = (filter: Buffer, subject: string): boolean => new SubjectProbe([subject], key).mayMatch(filter);

/** MurmurHash3's 32-bit finalizer, as its reference code has it. */
function mixed(word: number): bigint {
  let h = BigInt.asUintN(32, BigInt(word));
  h ^= h >> 16n;
  h = BigInt.asUintN(32, h * 0x85ebca6bn);
  h ^= h >> 13n;
  h = BigInt.asUintN(32, h * 0xc2b2ae35n);
  return h ^ (h >> 16n);
}

describe('SubjectFilterBuilder', () => {
  it('sets the bits that the format names', () => {
    // SipHash-2-4 of no bytes under the key 00…0f is 726fdb47dd0e0e31 (reference vectors of its authors).
    const filter = filterOf(['']);
    const first = mixed(0xdd0e0e31 ^ filter.readUInt32BE(4));
    const step = mixed(0x726fdb47 ^ filter.readUInt32BE(0)) | 1n;
    const expected = Buffer.alloc(8);
    for (let i = 0n; i < 8n; i++) {
      const bit = Number((first + i * step) % 64n);
      expected[bit >> 3]! |= 1 << (bit & 7);
    }
    expect(filter.subarray(8)).toEqual(expected);
  });

  it('takes a salt, and 20 bits a subject in steps of 8 bytes, and nothing where there is none', () => {
    expect([0, 1, 3, 4, 100, 524_288].map(subjectFilterBytes)).toEqual([0, 16, 16, 24, 264, FILTER_BYTES_MAX]);
    expect([filterOf([]).length, mayHold(filterOf([]), 'a')]).toEqual([0, false]);
  });

  it('is wrong about other subjects in each of two blocks with the same subjects', () => {
    const names = Array.from({ length: 500 }, (_, i) => `device-${i}`);
    const others = Array.from({ length: 200_000 }, (_, i) => `person-${i}`);
    const [one, two] = [filterOf(names), filterOf(names)];
    const wrong = others.filter((name) => mayHold(one, name));
    expect(wrong.length).toBeGreaterThan(5);
    expect(wrong.filter((name) => mayHold(two, name)).length).toBeLessThan(3);
  });

  it('finds every subject that was added, however often and long', () => {
    const subjects = fc.array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.constant('é'.repeat(2000))), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(subjects, (names) => {
        const filter = filterOf([...names, ...names]);
        expect(filter.length).toBe(subjectFilterBytes(new Set(names).size));
        for (const name of names) expect(mayHold(filter, name)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('answers yes for at most one question in a hundred, also when it asks for 34 names that are not there', () => {
    const filter = filterOf(Array.from({ length: 2000 }, (_, i) => `device-${i}`));
    const namesOf = (person: number): string[] => Array.from({ length: 34 }, (_, i) => `person-${person}-name-${i}`);
    const wrong = Array.from({ length: 20_000 }, (_, i) => new SubjectProbe(namesOf(i), key).mayMatch(filter));
    expect(wrong.filter(Boolean).length).toBeLessThan(200);
    expect(wrong).toContain(true);
  });

  it('finds every subject, also where there are more than it has room for', () => {
    const names = Array.from({ length: 600_000 }, (_, i) => `s-${i}`);
    const filter = filterOf(names);
    expect(filter).toHaveLength(FILTER_BYTES_MAX);
    for (let i = 0; i < names.length; i += 97) expect(mayHold(filter, `s-${i}`)).toBe(true);
  });

  it('makes the filters of following blocks independent of each other, also after one with very many subjects', () => {
    const builder = new SubjectFilterBuilder(key);
    const block = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `s-${from + i}`);
    for (const names of [block(0, 50), block(25, 50), block(0, 70_000), block(69_990, 20), []]) {
      for (const name of names) builder.add(name);
      const target = Buffer.alloc(builder.bytes + 3, 0xff);
      expect(builder.count).toBe(names.length);
      expect(builder.writeInto(target, 2)).toBe(subjectFilterBytes(names.length));
      const filter = target.subarray(2, -1);
      expect(names.every((name) => mayHold(filter, name))).toBe(true);
      expect(block(100_000, 1000).filter((name) => mayHold(filter, name)).length).toBeLessThan(20);
      expect([target[1], target.at(-1)]).toEqual([0xff, 0xff]);
    }
  });

  it('depends on the key, and takes only one of 16 bytes', () => {
    const other = new SubjectProbe(['a'], Buffer.alloc(16, 1));
    const filter = filterOf(['a']);
    expect(other.mayMatch(filter)).toBe(false);
    expect(() => new SubjectProbe([], Buffer.alloc(15))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('SubjectProbe', () => {
  it('matches when any of its subjects may be there', () => {
    const filter = filterOf(['a', 'b']);
    expect(new SubjectProbe(['x', 'b'], key).mayMatch(filter)).toBe(true);
    expect(new SubjectProbe(['x', 'y'], key).mayMatch(filter)).toBe(false);
    expect(new SubjectProbe([], key).mayMatch(filter)).toBe(false);
  });
});
