import { hash } from 'node:crypto';
import type { BlockView } from './block-view';
import { HASH_BYTES } from '../tree/merkle-tree';
import { LANES } from '../sha256/lanes-module';
import { sha256Lanes } from '../sha256/sha256-lanes';

/** RFC 6962 leaf hashes of all records of a block, end to end. */
export function leafHashesOf({ payload, count }: BlockView): Buffer {
  const hashes = Buffer.allocUnsafe(count * HASH_BYTES);
  hashLeaves(payload, count, hashes);
  return hashes;
}

/**
 * Writes the RFC 6962 leaf hashes of the records in a block's payload to `hashes`, end to end. Leaves lie at the end of the
 * payload, prefix included; their lengths stand at its head.
 */
export function hashLeaves(payload: Buffer, count: number, hashes: Buffer): void {
  if (count >= LANES) {
    sha256Lanes().hashMessages(payload, count, hashes);
    return;
  }
  let end = payload.length;
  for (let i = count - 1; i >= 0; i--) {
    const start = end - payload.readUInt32BE(4 * i);
    hashes.write(hash('sha256', payload.subarray(start, end), 'binary'), i * HASH_BYTES, HASH_BYTES, 'latin1');
    end = start;
  }
}
