import fc from 'fast-check';
import { fixedKeys } from '@protego/enclave/testing';
import { BlockCipher } from '../blocks/block-cipher';
import { FooterBuilder } from './footer-builder';
import { leafHash, MerkleTree } from '../tree/merkle-tree';
import {
  ID_BUCKETS,
  SegmentIndex,
  TRAILER_BYTES,
  decodeSegmentTrailer,
  isFooterWhole,
  type SegmentTrailer,
} from './segment-footer';

const cipher = new BlockCipher(fixedKeys(), Buffer.alloc(16, 4));
const session = { dataKeyId: 1, sessionSalt: Buffer.alloc(32, 6) };
const OFFSET = 12_345;
const FIRST_SEQ = 1000;

const blockArbitrary = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  cipherBytes: fc.nat(100_000),
  offset: fc.nat(0xffff_ffff),
  filter: fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
  types: fc.record({ high: fc.nat(0xffff_ffff), low: fc.nat(0xffff_ffff) }),
  times: fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
  identities: fc.array(fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), fc.nat(9), fc.nat(9)), { maxLength: 30 }),
});
type Block = typeof blockArbitrary extends fc.Arbitrary<infer T> ? T : never;

const headerOf = ({ count, cipherBytes, filter, types, times }: Block) => ({
  count,
  cipherBytes,
  types,
  filterBytes: filter.length,
  timeMsMin: times[0],
  timeMsMax: times[1],
  arrivedAtMsMin: times[2],
  arrivedAtMsMax: times[3],
});

function encode(blocks: readonly Block[]): { file: Buffer; tree: MerkleTree } {
  const builder = new FooterBuilder();
  for (const block of blocks) {
    builder.addBlock(headerOf(block), block.offset, block.filter, Uint32Array.from(block.identities.flat()));
  }
  const tree = new MerkleTree();
  const endSeq = FIRST_SEQ + blocks.reduce((sum, { count }) => sum + count, 0);
  for (let seq = 0; seq < endSeq; seq++) tree.appendLeaves(leafHash(`${seq}`));
  const chain = { lastTag: Buffer.alloc(16, 8), root: tree.root(), peaks: tree.peaks() };
  const end = { firstSeq: FIRST_SEQ, endSeq, offset: OFFSET, ...chain };
  return { file: builder.encode(end, session, 77, cipher), tree };
}

const trailerOf = (file: Buffer): SegmentTrailer | undefined =>
  decodeSegmentTrailer(file.subarray(-TRAILER_BYTES), OFFSET + file.length);

/** All that the footer says, or why it is refused. */
function decode(file: Buffer): { index: SegmentIndex; buckets: (Buffer | undefined)[] } | string {
  const trailer = trailerOf(file);
  if (trailer === undefined) return 'no trailer';
  if (!isFooterWhole(file.subarray(0, trailer.footerBytes), trailer)) return 'crc';
  const index = SegmentIndex.open(file.subarray(0, trailer.indexBytes), trailer, FIRST_SEQ, cipher);
  if (typeof index === 'string') return index;
  return { index, buckets: bucketsOf(index, file) };
}

function bucketsOf(index: SegmentIndex, file: Buffer): (Buffer | undefined)[] {
  if (index.identityCount === 0) return [];
  return Array.from({ length: ID_BUCKETS }, (_, bucket) => {
    const { offset, bytes } = index.bucketPlace(bucket);
    return index.openBucket(bucket, file.subarray(offset - OFFSET, offset - OFFSET + bytes), cipher);
  });
}

describe('segment footer', () => {
  it('gives back blocks, filters, identities and the tree', () => {
    fc.assert(
      fc.property(fc.array(blockArbitrary, { minLength: 1, maxLength: 12 }), (blocks) => {
        const { file, tree } = encode(blocks);
        const decoded = decode(file);
        if (typeof decoded === 'string') throw new Error(decoded);
        const { index, buckets } = decoded;
        expect([index.firstSeq, index.endSeq, index.blockCount]).toEqual([FIRST_SEQ, tree.size, blocks.length]);
        expect(MerkleTree.fromPeaks(index.endSeq, index.peaks()).root()).toEqual(index.root);
        for (const [i, block] of blocks.entries()) {
          const { cipherBytes, ...header } = headerOf(block);
          const bytes = 208 + block.filter.length + cipherBytes + 16;
          expect(index.blockAt(i)).toEqual({ ...header, offset: block.offset, bytes });
          expect(index.filterAt(i)).toEqual(block.filter);
        }
        expect(index.times.timeMsMin).toBe(Math.min(...blocks.map(({ times }) => times[0])));
        expect(index.times.arrivedAtMsMax).toBe(Math.max(...blocks.map(({ times }) => times[3])));
        expect(index.types.high).toBe(blocks.reduce((bits, { types }) => (bits | types.high) >>> 0, 0));
        const identities = blocks.flatMap((block) => block.identities);
        expect(index.identityCount).toBe(identities.length);
        for (const [bucket, opened] of buckets.entries()) {
          const expected = identities.filter(([high]) => high >>> 24 === bucket);
          const words = expected.flat();
          expect(opened).toEqual(Buffer.concat(words.map((word) => Buffer.from(Uint32Array.of(word).buffer).swap32())));
          expect(index.bucketCount(bucket)).toBe(expected.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is refused with any bit flipped, also with a checksum made to fit', () => {
    const [blocks] = fc.sample(fc.array(blockArbitrary, { minLength: 2, maxLength: 2 }), { numRuns: 1, seed: 11 });
    const { file } = encode(blocks as Block[]);
    const { indexBytes = 0 } = trailerOf(file) ?? {};
    for (let at = 0; at < file.length; at++) {
      // The sealed buckets are long and all alike; a few bits of them stand for the rest.
      const isDense = at < 192 || at >= file.length - TRAILER_BYTES;
      if (!isDense && at % (at < indexBytes ? 5 : 97) !== 0) continue;
      const flipped = Buffer.from(file);
      flipped[at]! ^= 1 << (at & 7);
      expect(decode(flipped)).toEqual(expect.any(String));
      const isReserved = at >= file.length - TRAILER_BYTES;
      if (isReserved) continue;
      const trailer = trailerOf(flipped) as SegmentTrailer;
      expect(isRefused(flipped, trailer)).toBe(true);
    }
  });

  function isRefused(file: Buffer, trailer: SegmentTrailer): boolean {
    try {
      const index = SegmentIndex.open(file.subarray(0, trailer.indexBytes), trailer, FIRST_SEQ, cipher);
      return typeof index === 'string' || bucketsOf(index, file).includes(undefined);
    } catch (cause) {
      expect(cause).toMatchObject({ code: 'LOG_KEY_MISSING' });
      return true;
    }
  }

  it('belongs to its segment and place', () => {
    const [blocks] = fc.sample(fc.array(blockArbitrary, { minLength: 1 }), { numRuns: 1, seed: 2 });
    const { file } = encode(blocks as Block[]);
    const trailer = trailerOf(file) as SegmentTrailer;
    const bytes = file.subarray(0, trailer.indexBytes);
    const moved = { ...trailer, footerOffset: OFFSET + 1 };
    expect(SegmentIndex.open(bytes, moved, FIRST_SEQ, cipher)).toEqual(expect.any(String));
    expect(SegmentIndex.open(bytes, trailer, FIRST_SEQ + 1, cipher)).toEqual(expect.any(String));
    expect(SegmentIndex.open(bytes, trailer, FIRST_SEQ, cipher)).toBeInstanceOf(SegmentIndex);
    expect(decodeSegmentTrailer(file.subarray(-TRAILER_BYTES), OFFSET + file.length + 1)).toBeUndefined();
  });

  it('is the same when blocks are forgotten and given again', () => {
    const [blocks] = fc.sample(fc.array(blockArbitrary, { minLength: 3 }), { numRuns: 1, seed: 5 });
    const builder = new FooterBuilder();
    const add = (block: Block): void =>
      builder.addBlock(headerOf(block), block.offset, block.filter, Uint32Array.from(block.identities.flat()));
    for (const block of blocks as Block[]) add(block);
    builder.clear();
    expect(builder.blocks).toBe(0);
    for (const block of blocks as Block[]) add(block);
    const { file, tree } = encode(blocks as Block[]);
    const chain = { lastTag: Buffer.alloc(16, 8), root: tree.root(), peaks: tree.peaks() };
    const end = { firstSeq: FIRST_SEQ, endSeq: tree.size, offset: OFFSET, ...chain };
    expect(builder.encode(end, session, 77, cipher).equals(file)).toBe(true);
  });
});
