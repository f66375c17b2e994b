import { createDecipheriv, createHmac } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ACCOUNT = '$G';
const NONCE_BYTES = 16;
const TAG_BYTES = 16;

/** A block of a JetStream stream as it lies on the disk, in clear. */
export interface StoredBlock {
  readonly stream: string;
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * Opens every block file of every stream with the key of the server, whatever the server says is still in it: messages that
 * were deleted lie there until the block is written anew.
 *
 * Per block, nats-server keeps a seed in `<n>.key`, sealed with AES-256-GCM (nonce of 16 bytes first) under
 * HMAC-SHA256(server key, account ‖ stream ‖ `:` ‖ n); the block is AES-256-CTR under the seed, from the same nonce.
 */
export function storedBlocks(natsDirectory: string): StoredBlock[] {
  const key = readFileSync(join(natsDirectory, 'jetstream.key'), 'utf8').trim();
  const streams = join(natsDirectory, 'store/jetstream', ACCOUNT, 'streams');
  return readdirSync(streams).flatMap((stream) => {
    const messages = join(streams, stream, 'msgs');
    const blocks = readdirSync(messages).filter((name) => /^\d+\.blk$/.test(name));
    return blocks.flatMap((name) => {
      const path = join(messages, name);
      const keyPath = path.replace(/blk$/, 'key');
      if (!existsSync(keyPath)) return [{ stream, path, bytes: readFileSync(path) }];
      const sealedSeed = readFileSync(keyPath);
      const nonce = sealedSeed.subarray(0, NONCE_BYTES);
      const kek = createHmac('sha256', key)
        .update(`${ACCOUNT}${stream}:${Number.parseInt(name, 10)}`)
        .digest();
      const opener = createDecipheriv('aes-256-gcm', kek, nonce);
      opener.setAuthTag(sealedSeed.subarray(-TAG_BYTES));
      const seed = Buffer.concat([opener.update(sealedSeed.subarray(NONCE_BYTES, -TAG_BYTES)), opener.final()]);
      const bytes = createDecipheriv('aes-256-ctr', seed, nonce).update(readFileSync(path));
      return [{ stream, path, bytes }];
    });
  });
}
