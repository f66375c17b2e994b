import type { BlockIndex, BlockIndexes } from '../blocks/block-index';
import { chainBroken } from '../log-errors';
import { MerkleTree } from '../tree/merkle-tree';
import { listSegments } from '../segments/segment-format';

/** Totals of a log at one instant. */
export interface LogTotals {
  /** Number of records that were ever appended, expired ones included: the seq that comes next. */
  readonly size: number;
  /** Seq of the first record that the log still holds; its size when it holds none. */
  readonly firstSeq: number;
  /** Number of segment files. */
  readonly segments: number;
  /** Bytes of all segments up to the last whole block. */
  readonly bytes: number;
  /** RFC 6962 root over the leaves of all records, hex. */
  readonly rootHash: string;
  /** Least event time, milliseconds since the Unix epoch; missing where no record is held, as the next two are. */
  readonly firstTimeMs?: number;
  /** Greatest event time. */
  readonly lastTimeMs?: number;
  /** Greatest pipeline time. */
  readonly lastArrivedAtMs?: number;
}

interface Times {
  firstTimeMs: number;
  lastTimeMs: number;
  lastArrivedAtMs: number;
}

/**
 * Totals from the footers of finished segments and the headers of the others; no record is read.
 *
 * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`
 */
export function totalsOf(directory: string, indexes: BlockIndexes): LogTotals {
  const segments = listSegments(directory);
  const firstSeq = segments[0]?.firstSeq ?? 0;
  const times: Times = { firstTimeMs: Infinity, lastTimeMs: -Infinity, lastArrivedAtMs: -Infinity };
  let root = new MerkleTree().root();
  let size = firstSeq;
  let bytes = 0;
  for (const [i, segment] of segments.entries()) {
    if (segment.firstSeq !== size) {
      throw chainBroken({ segment: segment.name, offset: 0, seq: size }, 'records before the segment are missing');
    }
    const index = indexes.of(segment, i === segments.length - 1);
    const gap = index.gaps[0];
    if (gap !== undefined) throw gap.failure;
    widen(times, index);
    size = index.endSeq;
    bytes += index.bytes;
    root = index.root ?? root;
  }
  const totals = { size, firstSeq, segments: segments.length, bytes, rootHash: root.toString('hex') };
  return size === firstSeq ? totals : { ...totals, ...times };
}

function widen(times: Times, { blocks }: BlockIndex): void {
  for (const { timeMsMin, timeMsMax, arrivedAtMsMax } of blocks) {
    times.firstTimeMs = Math.min(times.firstTimeMs, timeMsMin);
    times.lastTimeMs = Math.max(times.lastTimeMs, timeMsMax);
    times.lastArrivedAtMs = Math.max(times.lastArrivedAtMs, arrivedAtMsMax);
  }
}
