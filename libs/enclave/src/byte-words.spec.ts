import fc from 'fast-check';
import { areWordsAt, copyWords, viewOf } from './byte-words';

describe('words of bytes', () => {
  it('are copied as bytes are, and nothing beside them is touched', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), fc.nat(40), fc.nat(9), (source, a, b, at) => {
        const [start, end] = [Math.min(a, b, source.length), Math.min(Math.max(a, b), source.length)];
        const target = Buffer.alloc(60, 0xee);
        const expected = Buffer.from(target);
        expected.set(source.subarray(start, end), at);
        copyWords(viewOf(source), start, end, viewOf(target), at);
        expect(target.equals(expected)).toBe(true);
      }),
    );
  });

  it('are compared as bytes are', () => {
    const few = fc.uint8Array({ max: 1, maxLength: 9 });
    fc.assert(
      fc.property(few, few, fc.nat(3), (front, expected, at) => {
        const source = Buffer.concat([Buffer.alloc(at), front, Buffer.alloc(12)]);
        const isThere = source.subarray(at, at + expected.length).equals(expected);
        expect(areWordsAt(viewOf(source), at, viewOf(expected))).toBe(isThere);
      }),
      { numRuns: 2_000 },
    );
  });
});
