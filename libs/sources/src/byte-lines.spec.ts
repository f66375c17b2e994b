import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { LineSplitter, type ByteLine } from './byte-lines';
import { LINE_BYTES_MAX, RAW_BYTES_MAX } from './source-item';

function split(bytes: Buffer, cuts: readonly number[]): ByteLine[] {
  const splitter = new LineSplitter();
  const lines: ByteLine[] = [];
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    lines.push(...splitter.push(bytes.subarray(from, to)));
    from = to;
  }
  return [...lines, ...splitter.end()];
}

const textsOf = (lines: readonly ByteLine[]): string[] => lines.map(({ bytes }) => bytes.toString('latin1'));

describe('LineSplitter', () => {
  it('cuts the same lines wherever chunks end', () => {
    const line = fc.string({ unit: fc.constantFrom('a', '"', 'é', ' '), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.array(fc.nat()), (...drawn) => {
        const [lines, lineEnd, isEnded, cuts] = drawn;
        const bytes = Buffer.from(lines.join(lineEnd) + (isEnded ? lineEnd : ''));
        const expected = bytes.toString('latin1').split(lineEnd);
        if (expected.at(-1) === '') expected.pop();
        expect(textsOf(split(bytes, cuts))).toEqual(expected);
      }),
    );
  });

  it('drops a byte order mark at the start only', () => {
    const mark = Buffer.from([0xef, 0xbb, 0xbf]);
    const lines = split(Buffer.concat([mark, Buffer.from('a\n'), mark, Buffer.from('b')]), [1]);
    expect(lines.map(({ bytes }) => bytes.length)).toEqual([1, 4]);
  });

  it('reads a line of the limit, also before CRLF, and skips a longer one', () => {
    const longest = 'x'.repeat(LINE_BYTES_MAX);
    const cuts = Array.from({ length: 40 }, (_, i) => i * 80_000);
    const lines = split(Buffer.from(`${longest}\r\n${longest}y\nshort\n`), cuts);
    expect(lines.map(({ bytes }) => bytes.length)).toEqual([LINE_BYTES_MAX, 0, 5]);
    expect(lines.map(({ line }) => line)).toEqual([1, 2, 3]);
    expect(lines[1]?.tooLong).toEqual({
      raw: Buffer.alloc(RAW_BYTES_MAX, 'x').toString('base64'),
      rawEncoding: 'base64',
      rawBytes: LINE_BYTES_MAX + 1,
      rawSha256: createHash('sha256').update(`${longest}y`).digest('hex'),
    });
  });
});
