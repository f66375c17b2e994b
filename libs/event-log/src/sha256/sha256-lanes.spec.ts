import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Sha256Lanes } from './sha256-lanes';

const HASH_BYTES = 32;
const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

function payloadOf(messages: readonly Uint8Array[], between: Uint8Array): Buffer {
  const lengths = Buffer.alloc(4 * messages.length);
  messages.forEach((message, i) => lengths.writeUInt32BE(message.length, 4 * i));
  return Buffer.concat([lengths, between, ...messages]);
}

describe('Sha256Lanes', () => {
  const lanes = new Sha256Lanes();
  const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 50, maxLength: 70 }));

  it('hashes messages of any lengths as node:crypto does', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), fc.uint8Array({ maxLength: 30 }), (messages, between) => {
        const digests = Buffer.alloc(messages.length * HASH_BYTES, 7);
        lanes.hashMessages(payloadOf(messages, between), messages.length, digests);
        expect(digests).toEqual(Buffer.concat(messages.map((one) => sha256(one))));
      }),
      { numRuns: 500 },
    );
  });

  it('hashes messages that are longer than its memory was', () => {
    const messages = [
      Buffer.alloc(3_000_000, 1),
      Buffer.of(2),
      Buffer.alloc(1_999_999, 3),
      Buffer.alloc(0),
      Buffer.of(5),
    ];
    const digests = Buffer.alloc(messages.length * HASH_BYTES);
    lanes.hashMessages(payloadOf(messages, Buffer.alloc(0)), messages.length, digests);
    expect(digests).toEqual(Buffer.concat(messages.map((one) => sha256(one))));
  });

  it.each([1, 2, 3, 4, 5, 63, 2047, 2048, 2049, 5000])(
    'hashes %i pairs as RFC 6962 says, and writes no more',
    (count) => {
      const from = 33;
      const hashes = Buffer.alloc(from + count * 64);
      for (let i = 0; i < hashes.length; i++) hashes[i] = (i * 167 + (i >> 8)) & 255;
      const digests = Buffer.alloc((count + 2) * HASH_BYTES, 9);
      lanes.hashPairs(hashes, from, count, digests, HASH_BYTES);
      const expected = Array.from({ length: count }, (_, i) =>
        sha256(Buffer.of(1), hashes.subarray(from + i * 64, from + i * 64 + 64)),
      );
      const edge = Buffer.alloc(HASH_BYTES, 9);
      expect(digests.equals(Buffer.concat([edge, ...expected, edge]))).toBe(true);
    },
  );
});
