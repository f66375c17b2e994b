import { crypto_shorthash } from 'sodium-native';
import { ProtegoError } from '@protego/contracts';
import type { RecordIdentity } from '../log-record';

const KEY_BYTES = 16;
const HASH_BYTES = 8;

/**
 * SipHash-2-4 of ids and contents under the log's dedupe key, whose first half serves ids and second half contents:
 * without the key nobody can craft hashes that collide.
 */
export class DedupeHasher {
  private readonly idKey: Buffer;
  private readonly contentKey: Buffer;
  private readonly out = Buffer.alloc(HASH_BYTES);
  private scratch = Buffer.alloc(512);

  /** @throws ProtegoError `CONFIG_INVALID` when the key is not 32 bytes */
  constructor(dedupeKey: Buffer) {
    if (dedupeKey.length !== 2 * KEY_BYTES) {
      throw new ProtegoError('CONFIG_INVALID', 'the dedupe index needs a key of 32 bytes');
    }
    this.idKey = Buffer.from(dedupeKey.subarray(0, KEY_BYTES));
    this.contentKey = Buffer.from(dedupeKey.subarray(KEY_BYTES));
  }

  /**
   * Identity of the event (source, id) with this content.
   *
   * @throws ProtegoError `LOG_RECORD_INVALID` when the hash of the content is not 8 bytes
   */
  identityOf(source: string, id: string, contentHash: Buffer): RecordIdentity {
    if (contentHash.length !== HASH_BYTES) {
      throw new ProtegoError('LOG_RECORD_INVALID', 'the hash of the content is not 8 bytes');
    }
    // A source is a name token and so holds no NUL: the separator makes (source, id) unambiguous.
    const text = `${source}\0${id}`;
    if (text.length * 3 > this.scratch.length) this.scratch = Buffer.alloc(text.length * 6);
    const bytes = this.scratch.write(text, 'utf8');
    crypto_shorthash(this.out, this.scratch.subarray(0, bytes), this.idKey);
    const idHigh = this.out.readUInt32BE(0);
    const idLow = this.out.readUInt32BE(4);
    return {
      idHigh,
      // Zeros mean that a record has no identity.
      idLow: idHigh === 0 && idLow === 0 ? 1 : idLow,
      contentHigh: contentHash.readUInt32BE(0),
      contentLow: contentHash.readUInt32BE(4),
    };
  }

  /** Keyed hash of content, 8 bytes. */
  contentHashOf(content: Buffer): Buffer {
    const contentHash = Buffer.alloc(HASH_BYTES);
    crypto_shorthash(contentHash, content, this.contentKey);
    return contentHash;
  }
}
