import type { BlockCipher } from './block-cipher';
import { leafHashesOf } from './leaf-hasher';
import { blockCorrupt, chainBroken } from '../log-errors';
import { rangeMissing } from '../reader/log-scan';
import { HASH_BYTES } from '../tree/merkle-tree';
import { SCAN_WINDOW_BYTES, SegmentCursor } from '../segments/segment-cursor';
import { listSegments, type SegmentFileName } from '../segments/segment-format';

/**
 * Leaf hashes of the records [begin, end) in order, end to end, a block at a time, computed from the stored records.
 *
 * @throws ProtegoError `LOG_RANGE_MISSING` when they have expired; `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`, `LOG_KEY_MISSING`
 */
export function* readLeafHashes(
  directory: string,
  cipher: BlockCipher,
  begin: number,
  end: number,
): Generator<Buffer, void> {
  const segments = listSegments(directory);
  const first = segments[0]?.firstSeq ?? 0;
  if (begin >= end) return;
  if (begin < first) throw rangeMissing(begin, first);
  const from = segments.findLastIndex(({ firstSeq }) => firstSeq <= begin);
  let seq = begin;
  for (const segment of segments.slice(from)) {
    if (seq >= end) return;
    for (const hashes of hashesIn(segment, cipher, seq, end)) {
      yield hashes;
      seq += hashes.length / HASH_BYTES;
    }
  }
  if (seq < end) throw chainBroken({ segment: segments.at(-1)?.name ?? '', offset: 0, seq }, 'records are missing');
}

function* hashesIn(segment: SegmentFileName, cipher: BlockCipher, begin: number, end: number): Generator<Buffer, void> {
  const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES });
  let seq = segment.firstSeq;
  try {
    while (seq < end) {
      const ahead = cursor.peekHeader();
      if (ahead.kind === 'end') return;
      const place = { segment: segment.name, offset: ahead.offset, seq };
      if (ahead.kind !== 'header')
        throw blockCorrupt(place, ahead.kind === 'bad' ? ahead.reason : 'block is not whole');
      const { firstSeq, count } = ahead.header;
      if (firstSeq !== seq) throw chainBroken(place, `block starts at seq ${firstSeq}`);
      seq += count;
      if (seq <= begin) {
        cursor.skip(ahead.header);
        continue;
      }
      const read = cursor.next(cipher);
      if (read.kind === 'unauthentic') throw read.failure ?? blockCorrupt(place, read.reason);
      if (read.kind !== 'block') throw blockCorrupt(place, read.kind === 'bad' ? read.reason : 'block is not whole');
      const from = Math.max(0, begin - firstSeq);
      yield leafHashesOf(read.block).subarray(from * HASH_BYTES, Math.min(count, end - firstSeq) * HASH_BYTES);
    }
  } finally {
    cursor.close();
  }
}
