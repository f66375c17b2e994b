import { blockCorrupt, chainBroken } from './log-errors';
import { MerkleTree } from './merkle-tree';
import { HOP_WINDOW_BYTES, SegmentCursor } from './segment-cursor';
import { listSegments, type SegmentFileName } from './segment-format';

/** Totals of a log at one instant. */
export interface LogTotals {
  /** Number of records. */
  readonly size: number;
  /** Number of segment files. */
  readonly segments: number;
  /** Bytes of all segments up to the last whole block. */
  readonly bytes: number;
  /** RFC 6962 root over the leaves of all records, hex. */
  readonly rootHash: string;
  /** Least event time, milliseconds since the Unix epoch; missing in an empty log, as the next two are. */
  readonly firstTimeMs?: number;
  /** Greatest event time. */
  readonly lastTimeMs?: number;
  /** Greatest pipeline time. */
  readonly lastArrivedAtMs?: number;
}

interface Sums {
  size: number;
  bytes: number;
  root: Buffer;
  firstTimeMs: number;
  lastTimeMs: number;
  lastArrivedAtMs: number;
}

/**
 * Totals from the headers of all blocks; bodies are not read.
 *
 * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`
 */
export function totalsOf(directory: string): LogTotals {
  const segments = listSegments(directory);
  const root = new MerkleTree().root();
  const sums: Sums = {
    size: 0,
    bytes: 0,
    root,
    firstTimeMs: Infinity,
    lastTimeMs: -Infinity,
    lastArrivedAtMs: -Infinity,
  };
  for (const [i, segment] of segments.entries()) addSegment(sums, segment, i === segments.length - 1);
  const { size, bytes, firstTimeMs, lastTimeMs, lastArrivedAtMs } = sums;
  const times = size === 0 ? {} : { firstTimeMs, lastTimeMs, lastArrivedAtMs };
  return { size, segments: segments.length, bytes, rootHash: sums.root.toString('hex'), ...times };
}

function addSegment(sums: Sums, segment: SegmentFileName, isLast: boolean): void {
  const cursor = new SegmentCursor(segment, { windowBytes: HOP_WINDOW_BYTES, isReused: true });
  try {
    if (segment.firstSeq !== sums.size) {
      throw chainBroken({ segment: segment.name, offset: 0, seq: sums.size }, 'records before the segment are missing');
    }
    for (;;) {
      const read = cursor.peekHeader();
      const isEnd = read.kind === 'end' || (read.kind === 'torn' && isLast);
      if (isEnd) break;
      const place = { segment: segment.name, offset: read.offset, seq: sums.size };
      if (read.kind !== 'header') throw blockCorrupt(place, read.kind === 'bad' ? read.reason : 'block is not whole');
      const { header } = read;
      if (header.firstSeq !== sums.size) throw chainBroken(place, `block starts at seq ${header.firstSeq}`);
      sums.size += header.count;
      sums.root = header.root;
      sums.firstTimeMs = Math.min(sums.firstTimeMs, header.timeMsMin);
      sums.lastTimeMs = Math.max(sums.lastTimeMs, header.timeMsMax);
      sums.lastArrivedAtMs = Math.max(sums.lastArrivedAtMs, header.arrivedAtMsMax);
      cursor.skip(header);
    }
    sums.bytes += Math.min(cursor.position, cursor.fileBytes());
  } finally {
    cursor.close();
  }
}
