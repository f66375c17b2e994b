import { hash } from 'node:crypto';
import type { BlockView } from './block-view';
import { HASH_BYTES } from './merkle-tree';

/** RFC 6962 leaf hashes of all records of a block, end to end. They are hashed where they lie, prefix included. */
export function leafHashesOf(block: BlockView): Buffer {
  const { count } = block;
  const hashes = Buffer.allocUnsafe(count * HASH_BYTES);
  for (let i = 0; i < count; i++) {
    const leafHash = hash('sha256', block.prefixedLeafAt(i), 'binary');
    hashes.write(leafHash, i * HASH_BYTES, HASH_BYTES, 'latin1');
  }
  return hashes;
}
