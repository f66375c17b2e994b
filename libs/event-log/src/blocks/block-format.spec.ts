import fc from 'fast-check';
import { fixedKeys } from '@protego/enclave/testing';
import { BlockCipher } from './block-cipher';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_RECORDS_MAX,
  CODEC_LZ4,
  CODEC_NONE,
  FILTER_BYTES_MAX,
  TAG_BYTES,
  contentCrcOf,
  finishBlockHeader,
  hasTypeBit,
  readBlockHeader,
  readUint64,
  typeBitOf,
  writeBlockHeader,
  writeUint64,
  type BlockHeader,
} from './block-format';

const bytes = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const word = fc.nat(0xffff_ffff);
const seq = fc.maxSafeNat().map((n) => Math.min(n, Number.MAX_SAFE_INTEGER - BLOCK_RECORDS_MAX));
const time = fc.double({ noNaN: true });

const headerArbitrary: fc.Arbitrary<BlockHeader> = fc
  .record({
    firstSeq: seq,
    groupFirstSeq: seq,
    count: fc.integer({ min: 1, max: 8192 }),
    filterBytes: fc.nat(FILTER_BYTES_MAX / 8).map((words) => words * 8),
    dataKeyId: word,
    timeMsMin: time,
    timeMsMax: time,
    arrivedAtMsMin: time,
    arrivedAtMsMax: time,
    types: fc.record({ high: word, low: word }),
    sessionSalt: bytes(32),
    nonce: bytes(12),
    previousTag: bytes(16),
    root: bytes(32),
    filterCrc: word,
    contentCrc: word,
  })
  .chain((header) =>
    fc
      .tuple(fc.integer({ min: 67 * header.count, max: 17 << 20 }), fc.constantFrom(CODEC_NONE, CODEC_LZ4))
      .map(([rawBytes, codec]) => ({
        ...header,
        codec,
        rawBytes,
        cipherBytes: codec === CODEC_NONE ? rawBytes : rawBytes - 1,
      })),
  );

function encoded(header: BlockHeader): Buffer {
  const target = Buffer.alloc(BLOCK_HEADER_BYTES, 0xaa);
  writeBlockHeader(target, header);
  finishBlockHeader(target, header.contentCrc);
  return target;
}

describe('block header', () => {
  it('comes back as it was written', () => {
    fc.assert(fc.property(headerArbitrary, (header) => expect(readBlockHeader(encoded(header))).toEqual(header)));
  });

  it('is refused with any bit flipped', () => {
    const [header] = fc.sample(headerArbitrary, { numRuns: 1, seed: 7 });
    const whole = encoded(header as BlockHeader);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(readBlockHeader(flipped)).toEqual(expect.any(String));
    }
  });

  it.each([
    ['no record', { count: 0 }],
    ['too many records', { count: 8193, rawBytes: 8193 * 67, cipherBytes: 8193 * 67 }],
    ['less payload than its records need', { count: 2, rawBytes: 133, cipherBytes: 133 }],
    ['more payload than a reader takes', { rawBytes: (17 << 20) + 1, cipherBytes: (17 << 20) + 1 }],
    ['a filter of half a word', { filterBytes: 12 }],
    ['a filter that is larger than any', { filterBytes: FILTER_BYTES_MAX + 8 }],
    ['a stored payload of another size', { codec: CODEC_NONE, rawBytes: 1000, cipherBytes: 999 }],
    ['a compressed payload that is not smaller', { codec: CODEC_LZ4, rawBytes: 1000, cipherBytes: 1000 }],
    ['an unknown codec', { codec: 2 }],
  ])('is refused when it says %s', (_, change) => {
    const base = { count: 1, rawBytes: 1000, cipherBytes: 1000, codec: CODEC_NONE, filterBytes: 8 };
    const [header] = fc.sample(headerArbitrary, { numRuns: 1, seed: 1 });
    expect(readBlockHeader(encoded({ ...(header as BlockHeader), ...base }))).toEqual(expect.any(Object));
    expect(readBlockHeader(encoded({ ...(header as BlockHeader), ...base, ...change }))).toEqual(expect.any(String));
  });

  it('keeps whole numbers up to 2^53', () => {
    fc.assert(
      fc.property(seq, (value) => {
        const target = Buffer.alloc(8);
        writeUint64(target, value, 0);
        expect([readUint64(target, 0), target.readBigUInt64BE()]).toEqual([value, BigInt(value)]);
      }),
    );
  });

  it('finds the bit of a type', () => {
    // CRC-32C of 123456789 is e3069283 (RFC 3720, appendix B.4).
    expect(typeBitOf('123456789')).toBe(0xe3069283 % 64);
    for (let bit = 0; bit < 64; bit++) {
      const types = bit < 32 ? { high: 0, low: (1 << bit) >>> 0 } : { high: (1 << (bit - 32)) >>> 0, low: 0 };
      for (let other = 0; other < 64; other++) expect(hasTypeBit(types, other)).toBe(other === bit);
    }
  });
});

describe('block encryption', () => {
  const logId = Buffer.alloc(16, 9);
  const cipher = new BlockCipher(fixedKeys(), logId);
  const place = { segmentFirstSeq: 5, offset: 32 };
  const payload = Buffer.alloc(67, 3);
  const filter = Buffer.alloc(8, 1);

  function sealedBlock(): { header: Buffer; filter: Buffer; ciphertext: Buffer; tag: Buffer } {
    const [random] = fc.sample(headerArbitrary, { numRuns: 1, seed: 3 });
    const sizes = { codec: CODEC_NONE, count: 1, rawBytes: 67, cipherBytes: 67, filterBytes: 8, dataKeyId: 1 };
    const fields = { ...(random as BlockHeader), ...sizes };
    const header = Buffer.alloc(BLOCK_HEADER_BYTES);
    writeBlockHeader(header, fields);
    const sealed = cipher.sealBlock(fields, place, { header, filter, nonce: fields.nonce, payload });
    finishBlockHeader(header, contentCrcOf(filter, sealed.ciphertext, sealed.tag));
    return { header, filter, ...sealed };
  }

  it('opens what was sealed, at its place only, in its log only', () => {
    const block = sealedBlock();
    const header = readBlockHeader(block.header) as BlockHeader;
    expect(cipher.openBlock(header, place, block)).toEqual(payload);
    expect(cipher.openBlock(header, { ...place, offset: 33 }, block)).toBeUndefined();
    expect(cipher.openBlock(header, { ...place, segmentFirstSeq: 6 }, block)).toBeUndefined();
    expect(new BlockCipher(fixedKeys(), Buffer.alloc(16, 8)).openBlock(header, place, block)).toBeUndefined();
    expect(new BlockCipher(fixedKeys('other'), logId).openBlock(header, place, block)).toBeUndefined();
  });

  it('opens no block of which a bit was flipped, even with checksums made to fit', () => {
    const block = sealedBlock();
    const whole = Buffer.concat([block.header, block.filter, block.ciphertext, block.tag]);
    const filterEnd = BLOCK_HEADER_BYTES + filter.length;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const isChecksum = bit >> 3 >= 200 && bit >> 3 < BLOCK_HEADER_BYTES;
      const parts = {
        header: flipped.subarray(0, BLOCK_HEADER_BYTES),
        filter: flipped.subarray(BLOCK_HEADER_BYTES, filterEnd),
        ciphertext: flipped.subarray(filterEnd, flipped.length - TAG_BYTES),
        tag: flipped.subarray(flipped.length - TAG_BYTES),
      };
      if (!isChecksum) finishBlockHeader(parts.header, contentCrcOf(parts.filter, parts.ciphertext, parts.tag));
      const header = readBlockHeader(parts.header);
      if (typeof header === 'string') continue;
      // A changed checksum of the content is for the reader of the file to find.
      const isFound = header.contentCrc !== contentCrcOf(parts.filter, parts.ciphertext, parts.tag);
      expect(isFound || openedOrRefused(header, parts) === undefined).toBe(true);
    }
  });

  function openedOrRefused(header: BlockHeader, parts: Parameters<BlockCipher['openBlock']>[2]): Buffer | undefined {
    try {
      return cipher.openBlock(header, place, parts);
    } catch (cause) {
      expect(cause).toMatchObject({ code: 'LOG_KEY_MISSING' });
      return undefined;
    }
  }
});
