import { crypto_shorthash } from 'sodium-native';
import fc from 'fast-check';
import { DedupeHasher } from './dedupe-hasher';

const dedupeKey = Buffer.from(Array.from({ length: 32 }, (_, i) => 7 * i));

function hashOf(input: Buffer, key: Buffer): Buffer {
  const digest = Buffer.alloc(8);
  crypto_shorthash(digest, input, key);
  return digest;
}

describe('DedupeHasher', () => {
  const hasher = new DedupeHasher(dedupeKey);

  it('knows an event by the SipHash of its source and id, whose words are stored in big-endian order', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 40 }), (source, id) => {
        const expected = hashOf(Buffer.from(`${source}\0${id}`), dedupeKey.subarray(0, 16));
        const content = Buffer.from('0123456789abcdef', 'hex');
        expect(hasher.identityOf(source, id, content)).toEqual({
          idHigh: expected.readUInt32BE(0),
          idLow: expected.readUInt32BE(4),
          contentHigh: 0x01234567,
          contentLow: 0x89abcdef,
        });
      }),
    );
  });

  it('hashes content under the other half of the key', () => {
    const content = Buffer.from('{"a":1}');
    expect(hasher.contentHashOf(content)).toEqual(hashOf(content, dedupeKey.subarray(16)));
  });

  it('takes only a key of 32 bytes and a content hash of 8', () => {
    expect(() => new DedupeHasher(Buffer.alloc(31))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => hasher.identityOf('a', 'b', Buffer.alloc(7))).toThrow(
      expect.objectContaining({ code: 'LOG_RECORD_INVALID' }),
    );
  });
});
