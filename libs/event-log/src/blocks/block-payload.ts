import { isProtegoError, type ProtegoError } from '@protego/contracts';
import { uncompressSync } from 'lz4-napi';
import type { BlockCipher, CipherPlace } from './block-cipher';
import { BLOCK_HEADER_BYTES, CODEC_LZ4, TAG_BYTES, type BlockHeader } from './block-format';

/** What stands before an LZ4 block: the raw length, u32 little-endian. */
const LZ4_PREFIX_BYTES = 4;

/** What came out of an encrypted block. */
export type OpenedPayload =
  | { readonly kind: 'payload'; readonly payload: Buffer }
  /** The tag does not fit, or there is no key: `failure` then says so. */
  | { readonly kind: 'unauthentic'; readonly reason: string; readonly failure?: ProtegoError }
  /** Authentic, and yet no payload. */
  | { readonly kind: 'bad'; readonly reason: string };

/**
 * Authenticates, decrypts and decompresses a block. Not more memory is taken than the header's `rawBytes`, which its
 * decoder bounds.
 *
 * @param bytes the whole block as stored, its CRCs checked
 */
export function openPayload(
  cipher: BlockCipher,
  header: BlockHeader,
  bytes: Buffer,
  place: CipherPlace,
): OpenedPayload {
  const filterEnd = BLOCK_HEADER_BYTES + header.filterBytes;
  const cipherEnd = filterEnd + header.cipherBytes;
  const parts = {
    header: bytes,
    filter: bytes.subarray(BLOCK_HEADER_BYTES, filterEnd),
    ciphertext: bytes.subarray(filterEnd, cipherEnd),
    tag: bytes.subarray(cipherEnd, cipherEnd + TAG_BYTES),
  };
  try {
    const stored = cipher.openBlock(header, place, parts);
    if (stored === undefined) return { kind: 'unauthentic', reason: 'block is not authentic at this place' };
    return header.codec === CODEC_LZ4 ? decompress(stored, header.rawBytes) : { kind: 'payload', payload: stored };
  } catch (cause) {
    // A header that names a key which never was is an altered block, as far as anybody can tell.
    if (!isProtegoError(cause) || cause.code !== 'LOG_KEY_MISSING') throw cause;
    return { kind: 'unauthentic', reason: cause.message, failure: cause };
  }
}

function decompress(stored: Buffer, rawBytes: number): OpenedPayload {
  // Compared before anything is decompressed: the length decides how much memory is taken.
  const isBounded = stored.length >= LZ4_PREFIX_BYTES && stored.readUInt32LE(0) === rawBytes;
  const payload = isBounded ? uncompressed(stored) : undefined;
  if (payload?.length !== rawBytes) return { kind: 'bad', reason: 'payload does not decompress to its length' };
  return { kind: 'payload', payload };
}

function uncompressed(stored: Buffer): Buffer | undefined {
  try {
    return uncompressSync(stored);
  } catch {
    return undefined;
  }
}
