import { canonicalJson } from '@protego/contracts';
import fc from 'fast-check';
import { viewOf } from './byte-words';
import { JsonBytes } from './json-bytes';

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 300 }), fc.string({ minLength: 100 }));
const value = fc.oneof(text, fc.integer(), fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.boolean());
const anyJson = fc.oneof(value, fc.constant(null), fc.array(value), fc.dictionary(fc.string(), value));

describe('JsonBytes', () => {
  it('writes any value as canonical JSON does, whatever was written before', () => {
    const out = new JsonBytes();
    fc.assert(
      fc.property(fc.array(anyJson, { maxLength: 20 }), (values) => {
        const sound = values.map((each) => JSON.parse(JSON.stringify(each).toWellFormed()) as unknown);
        for (const each of sound) out.value(each);
        expect(out.take().toString()).toBe(sound.map(canonicalJson).join(''));
        out.wipe();
      }),
    );
  });

  it('grows, and wipes what it leaves', () => {
    const out = new JsonBytes();
    out.skipUint32();
    out.value('secret');
    const before = out.view();
    out.value('x'.repeat(10_000));
    out.lengthAndBytes(Buffer.from([7, 8]));
    out.copy(viewOf(Buffer.from('abcdef')), 1, 3);
    out.byte(0x21);
    out.setUint32(0, 10_002);
    expect(before.equals(Buffer.alloc(12))).toBe(true);
    expect(out.take(4)).toEqual(Buffer.from(`"secret""${'x'.repeat(10_000)}"\0\0\0\x02\x07\x08bc!`));
    expect(out.view().readUInt32BE(0)).toBe(10_002);
  });

  it('grows in guarded memory, gives back what it leaves, and is of no use once it was closed', () => {
    const out = new JsonBytes('guarded');
    out.value('secret');
    const before = out.view();
    out.value('x'.repeat(10_000));
    expect(before).toHaveLength(0);
    expect(out.take()).toEqual(Buffer.from(`"secret""${'x'.repeat(10_000)}"`));
    const after = out.view();
    out.close();
    expect(after).toHaveLength(0);
    expect(() => out.value('more')).toThrow(expect.objectContaining({ code: 'ENCLAVE_CLOSED' }));
  });

  it.each(['secret', 'secret\n', 'sécret', 'secret \ud800'])('leaves nothing of %j behind', (secret) => {
    const out = new JsonBytes();
    // More than any of them takes.
    const room = Buffer.alloc(64);
    out.copy(viewOf(room));
    const memory = out.view();
    out.wipe();
    try {
      out.value(secret);
    } catch (error) {
      expect(error).toMatchObject({ code: 'EVENT_TEXT_INVALID' });
    }
    out.wipe();
    expect(memory.equals(room)).toBe(true);
  });

  it('pads to whole blocks', () => {
    const out = new JsonBytes();
    for (const [length, padded] of [
      [0, 0],
      [1, 16],
      [15, 16],
      [16, 16],
      [17, 32],
    ] as const) {
      out.copy(viewOf(Buffer.alloc(length, 'a')));
      out.pad(16);
      expect(out.take().toString()).toBe('a'.repeat(length).padEnd(padded));
      out.wipe();
    }
  });
});
