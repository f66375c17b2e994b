import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { LogKeys } from '@protego/enclave';
import { BLOCK_BOUND_BYTES, TAG_BYTES, writeUint64, type BlockHeader } from './block-format';

const ALGORITHM = 'aes-256-gcm';
const LOG_ID_BYTES = 16;
const SEGMENT_AT = LOG_ID_BYTES;
const OFFSET_AT = SEGMENT_AT + 8;
/** Bytes of the additional data that say where in which log something stands. */
const PLACE_BYTES = OFFSET_AT + 8;
/** A log has one session key for each opening for writing and each rotation; a scan meets them one after the other. */
const KEYS_KEPT_MAX = 64;

/** Where something encrypted stands: it opens nowhere else. */
export interface CipherPlace {
  readonly segmentFirstSeq: number;
  /** Byte offset in the segment's file. */
  readonly offset: number;
}

/** Under which key something was encrypted. */
export type CipherSession = Pick<BlockHeader, 'dataKeyId' | 'sessionSalt'>;

/** What AES-256-GCM makes of some bytes. */
export interface Sealed {
  readonly ciphertext: Buffer;
  /** 16 bytes. */
  readonly tag: Buffer;
}

/** A whole block in parts. */
export interface BlockParts {
  /** At least bytes 0 to 199 of the header. */
  readonly header: Buffer;
  readonly filter: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/**
 * Encrypts and opens what stands in the segments of one log, with AES-256-GCM (NIST SP 800-38D). The additional data
 * starts with log id (16 bytes), first seq of the segment (u64) and offset in its file (u64). Block keys are kept, a
 * bounded number of them.
 */
export class BlockCipher {
  private bound = Buffer.alloc(1024);
  private readonly blockKeys = new Map<string, Buffer>();
  private lastSession: CipherSession | undefined;
  private lastKey: Buffer = Buffer.alloc(0);

  /** @param logId 16 bytes */
  constructor(
    private readonly keys: LogKeys,
    readonly logId: Buffer,
  ) {
    logId.copy(this.bound);
  }

  /**
   * The key of a writer session.
   *
   * @throws ProtegoError `LOG_KEY_MISSING`
   */
  keyOf(session: CipherSession): Buffer {
    const { lastSession } = this;
    const isLast = lastSession?.dataKeyId === session.dataKeyId && lastSession.sessionSalt.equals(session.sessionSalt);
    if (isLast) return this.lastKey;
    const { dataKeyId, sessionSalt } = session;
    this.lastKey = this.cachedKey(dataKeyId, sessionSalt);
    this.lastSession = { dataKeyId, sessionSalt };
    return this.lastKey;
  }

  /** Encrypts a block's payload. No two calls may share a session and a nonce. */
  sealBlock(
    session: CipherSession,
    place: CipherPlace,
    block: Pick<BlockParts, 'header' | 'filter'> & { readonly nonce: Buffer; readonly payload: Buffer },
  ): Sealed {
    const bound = this.boundWith(place, block.header.subarray(0, BLOCK_BOUND_BYTES), block.filter);
    return this.seal(session, block.nonce, bound, block.payload);
  }

  /**
   * The payload of a block as it was before the encryption; undefined when a bit of the block, or its place, is not what
   * was written.
   *
   * @throws ProtegoError `LOG_KEY_MISSING`
   */
  openBlock(header: BlockHeader, place: CipherPlace, block: BlockParts): Buffer | undefined {
    const bound = this.boundWith(place, block.header.subarray(0, BLOCK_BOUND_BYTES), block.filter);
    return this.open(header, header.nonce, bound, block);
  }

  /** Additional data: the place, then the parts end to end. It is valid until the next call. */
  boundWith(place: CipherPlace, ...parts: readonly Uint8Array[]): Buffer {
    let bytes = PLACE_BYTES;
    for (const part of parts) bytes += part.length;
    if (bytes > this.bound.length) this.grow(bytes);
    const { bound } = this;
    writeUint64(bound, place.segmentFirstSeq, SEGMENT_AT);
    writeUint64(bound, place.offset, OFFSET_AT);
    let at = PLACE_BYTES;
    for (const part of parts) {
      bound.set(part, at);
      at += part.length;
    }
    return bound.subarray(0, bytes);
  }

  /** Encrypts. No two calls may share a session and a nonce. */
  seal(session: CipherSession, nonce: Buffer, bound: Buffer, plain: Buffer): Sealed {
    const cipher = createCipheriv(ALGORITHM, this.keyOf(session), nonce);
    cipher.setAAD(bound);
    const ciphertext = cipher.update(plain);
    cipher.final();
    return { ciphertext, tag: cipher.getAuthTag() };
  }

  /** Decrypts; undefined when the tag does not fit. */
  open(session: CipherSession, nonce: Buffer, bound: Buffer, sealed: Sealed): Buffer | undefined {
    const decipher = createDecipheriv(ALGORITHM, this.keyOf(session), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(bound);
    decipher.setAuthTag(sealed.tag);
    const plain = decipher.update(sealed.ciphertext);
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return plain;
  }

  private cachedKey(dataKeyId: number, sessionSalt: Buffer): Buffer {
    const name = `${dataKeyId}/${sessionSalt.toString('latin1')}`;
    const known = this.blockKeys.get(name);
    if (known !== undefined) return known;
    const key = this.keys.blockKey(dataKeyId, this.logId, sessionSalt);
    for (const oldest of this.blockKeys.keys()) {
      if (this.blockKeys.size < KEYS_KEPT_MAX) break;
      this.blockKeys.delete(oldest);
    }
    this.blockKeys.set(name, key);
    return key;
  }

  private grow(bytes: number): void {
    const grown = Buffer.alloc(bytes * 2);
    this.bound.copy(grown, 0, 0, LOG_ID_BYTES);
    this.bound = grown;
  }
}
