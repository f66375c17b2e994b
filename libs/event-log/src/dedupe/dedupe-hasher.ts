import { ProtegoError } from '@protego/contracts';
import type { RecordIdentity } from '../log-record';
import { SIPHASH_KEY_BYTES, SipHash } from '../siphash/siphash';

const HASH_BYTES = 8;

/**
 * SipHash-2-4 of ids and contents under the log's dedupe key, whose first half serves ids and second half contents:
 * without the key nobody can craft hashes that collide.
 */
export class DedupeHasher {
  private readonly ids: SipHash;
  private readonly contents: SipHash;

  /** @throws ProtegoError `CONFIG_INVALID` when the key is not 32 bytes */
  constructor(dedupeKey: Buffer) {
    if (dedupeKey.length !== 2 * SIPHASH_KEY_BYTES) {
      throw new ProtegoError('CONFIG_INVALID', 'the dedupe index needs a key of 32 bytes');
    }
    this.ids = new SipHash(dedupeKey.subarray(0, SIPHASH_KEY_BYTES));
    this.contents = new SipHash(dedupeKey.subarray(SIPHASH_KEY_BYTES));
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
    const { ids } = this;
    // A source is a name token and so holds no NUL: the separator makes (source, id) unambiguous.
    ids.hashPair(source, id);
    // The words of a hash are read from its bytes in big-endian order.
    const idHigh = reversed(ids.low);
    const idLow = reversed(ids.high);
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
    const { contents } = this;
    contents.hashBytes(content);
    const contentHash = Buffer.alloc(HASH_BYTES);
    contentHash.writeUInt32LE(contents.low, 0);
    contentHash.writeUInt32LE(contents.high, 4);
    return contentHash;
  }
}

/** The word whose bytes stand in the other order. */
function reversed(word: number): number {
  const halves = ((word & 0x00ff_00ff) << 8) | ((word >>> 8) & 0x00ff_00ff);
  return ((halves << 16) | (halves >>> 16)) >>> 0;
}
