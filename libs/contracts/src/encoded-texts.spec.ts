import fc from 'fast-check';
import { EncodedTexts } from './encoded-texts';

function encoded(texts: readonly string[]): Buffer {
  const parts = texts.map((text) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  });
  return Buffer.concat(parts);
}

function textsOf(texts: EncodedTexts): string[] {
  const found: string[] = [];
  for (let at = texts.start; found.length < texts.length; at = texts.textEnd(at))
    found.push(Buffer.from(texts.bytes.subarray(texts.textStart(at), texts.textEnd(at))).toString());
  return found;
}

describe('EncodedTexts', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { maxLength: 6 });

  it('tells where texts lie in memory that holds other things too', () => {
    fc.assert(
      fc.property(texts, fc.nat(9), fc.nat(9), (written, before, after) => {
        const bytes = encoded(written);
        const memory = Buffer.concat([Buffer.alloc(before, 0xff), bytes, Buffer.alloc(after, 0xff)]);
        const found = new EncodedTexts(memory, before, before + bytes.length, written.length);
        expect(found.isWhole).toBe(true);
        expect(textsOf(found)).toEqual(written);
      }),
    );
  });

  it('is not whole when a text more is announced, or bytes more or less, or a length that nothing has', () => {
    const bytes = encoded(['ab', 'c']);
    const isWhole = (memory: Buffer, end: number, length: number): boolean =>
      new EncodedTexts(memory, 0, end, length).isWhole;
    expect(isWhole(bytes, bytes.length, 2)).toBe(true);
    expect(isWhole(bytes, bytes.length, 3)).toBe(false);
    expect(isWhole(bytes, bytes.length, 1)).toBe(false);
    expect(isWhole(bytes, bytes.length - 1, 2)).toBe(false);
    expect(isWhole(bytes, bytes.length + 1, 2)).toBe(false);
    expect(isWhole(bytes.subarray(0, -1), bytes.length, 2)).toBe(false);
    expect(isWhole(Buffer.alloc(8, 0xff), 8, 2)).toBe(false);
  });
});
