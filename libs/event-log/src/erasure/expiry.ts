import { randomBytes } from 'node:crypto';
import { ProtegoError, type Clock, type EventSeq, type ProtegoEvent } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { join } from 'node:path';
import { BlockCipher } from '../blocks/block-cipher';
import { BlockIndexes, type BlockIndex } from '../blocks/block-index';
import type { LogAuthority } from '../evidence/log-authority';
import { nodeFileLayer, type LogFileLayer } from '../writer/file-layer';
import { writeFailure } from '../log-errors';
import { readIdentity } from '../log-identity';
import type { EventLogReader } from '../reader/reader';
import { removeSnapshots } from '../snapshots/snapshot-files';
import { SEGMENT_FOLDER, listSegments } from '../segments/segment-format';

/** What expires, by which rule. */
export interface ExpiryOptions {
  /** Directory of the log; the caller holds the right to write it. */
  readonly directory: string;
  readonly keys: LogKeys;
  readonly authority: LogAuthority;
  readonly clock: Clock;
  /** A segment expires when its newest record, by event time and by arrival, is older than this, milliseconds. */
  readonly olderThanMs: number;
  /** Name of the rule; it stands in the log, in clear. */
  readonly reason: string;
  /** The disk; only a test has another. */
  readonly layer?: LogFileLayer;
}

/** What expired. */
export interface ExpirySummary {
  /** Segments that were deleted now. */
  readonly segments: number;
  /** Bytes that were freed. */
  readonly bytes: number;
  /** The log begins here now: records before it are gone. */
  readonly firstSeq: number;
  /** Root of the tree of `firstSeq` records, hex. */
  readonly rootHash: string;
  /** Seq of the `log.expired` event. */
  readonly eventSeq: EventSeq;
}

/**
 * Deletes whole finished segments that have outlived the retention period, oldest first, up to the first that has not.
 * Their hashes stay, so that proofs and checkpoints hold; snapshots go, as they rest on what expired. The event comes first and is durable; {@link applyExpiries} on the
 * next start ends what was cut off. Undefined when nothing has expired.
 *
 * @throws ProtegoError `USAGE_INVALID` for a period that makes no sense; errors of reading and writing the log
 */
export async function expireSegments(options: ExpiryOptions): Promise<ExpirySummary | undefined> {
  const { directory, authority, clock, olderThanMs, reason, layer = nodeFileLayer } = options;
  if (!Number.isFinite(olderThanMs) || olderThanMs <= 0 || reason.trim() === '') {
    throw new ProtegoError('USAGE_INVALID', 'an expiry needs a retention period above zero and a reason');
  }
  const expired = expiredBefore(options, clock.wallMs() - olderThanMs);
  const last = expired.at(-1);
  if (last?.root === undefined) return undefined;
  const rootHash = last.root.toString('hex');
  // From here on the tiles alone know these hashes.
  await authority.syncTiles();
  const data = { fromSeq: 0, toSeq: last.endSeq, rootHash, reason };
  const eventSeq = await authority.append('log.expired', `expired-${randomBytes(16).toString('hex')}`, data);
  await authority.checkpoint();
  await removeBefore(directory, last.endSeq, layer);
  const bytes = expired.reduce((sum, segment) => sum + segment.bytes, 0);
  return { segments: expired.length, bytes, firstSeq: last.endSeq, rootHash, eventSeq };
}

/**
 * Deletes again every segment that an expiry event names: on start, and after a restore. Returns how many were still there.
 *
 * @throws ProtegoError errors of reading the log and of the disk
 */
export async function applyExpiries(parts: {
  readonly directory: string;
  readonly reader: EventLogReader;
  readonly layer?: LogFileLayer;
}): Promise<number> {
  const { directory, reader, layer = nodeFileLayer } = parts;
  let endSeq = 0;
  for (const { body } of reader.query({ types: ['log.expired'] })) {
    const { data } = JSON.parse(body.toString('utf8')) as ProtegoEvent;
    endSeq = Math.max(endSeq, Number(data['toSeq']));
  }
  return removeBefore(directory, endSeq, layer);
}

function expiredBefore({ directory, keys }: ExpiryOptions, beforeMs: number): BlockIndex[] {
  const indexes = new BlockIndexes(new BlockCipher(keys, readIdentity(directory).logId));
  const segments = listSegments(directory);
  const expired: BlockIndex[] = [];
  // The last segment stays whatever its age: the writer goes on from it.
  for (const segment of segments.slice(0, -1)) {
    const index = indexes.of(segment, false);
    const isOld = index.blocks.every((block) => Math.max(block.timeMsMax, block.arrivedAtMsMax) < beforeMs);
    if (!index.isFinished || !isOld) break;
    expired.push(index);
  }
  return expired;
}

/** Removes the segments of which every record lies before a seq, and the snapshots, which rest on them. Oldest first: what is left has no gap at any moment. */
async function removeBefore(directory: string, endSeq: number, layer: LogFileLayer): Promise<number> {
  const segments = listSegments(directory);
  let removed = 0;
  try {
    for (const [i, { path }] of segments.entries()) {
      const next = segments[i + 1];
      if (next === undefined || next.firstSeq > endSeq) break;
      // Before the first segment goes: cut off in between, the next start meets the segment and removes them again.
      if (removed === 0) removeSnapshots(directory);
      await layer.remove(path);
      removed++;
    }
    if (removed > 0) await layer.syncDirectory(join(directory, SEGMENT_FOLDER));
    return removed;
  } catch (cause) {
    throw writeFailure('delete expired segments', cause, { directory });
  }
}
