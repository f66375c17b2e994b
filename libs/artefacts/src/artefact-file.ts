import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { ProtegoError, messageOf } from '@protego/contracts';

/**
 * The bytes of a file of at most `bytesMax` bytes. Never more than that is held, even if the file grows meanwhile.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when the file cannot be read or is larger
 */
export function readBytes(path: string, bytesMax: number): Buffer {
  let chunks: Buffer[];
  try {
    const file = openSync(path, 'r');
    try {
      chunks = readUpTo(file, bytesMax + 1);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, messageOf(error));
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length <= bytesMax) return bytes;
  throw new ProtegoError('ARTEFACT_INVALID', `\`${path}\` is larger than ${bytesMax} bytes`, { path, bytesMax });
}

/**
 * The text of a file of at most `bytesMax` bytes.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when the file cannot be read, is larger, or is not UTF-8
 */
export function readText(path: string, bytesMax: number): string {
  return textOf(path, readBytes(path, bytesMax));
}

/**
 * Bytes as text.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when they are not UTF-8: a replacement character would change the hash
 */
export function textOf(path: string, bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new ProtegoError('ARTEFACT_INVALID', `\`${path}\` is not UTF-8`, { path });
}

/** SHA-256 of text in UTF-8, hex. */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}

/** The error for a path that cannot be read. */
export function unreadable(path: string, reason: string): ProtegoError {
  return new ProtegoError('ARTEFACT_INVALID', `\`${path}\` cannot be read: ${reason}`, { path });
}

const CHUNK_BYTES = 65_536;

function readUpTo(file: number, bytesMax: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let left = bytesMax; left > 0;) {
    const chunk = Buffer.allocUnsafe(Math.min(left, CHUNK_BYTES));
    const byteCount = readSync(file, chunk);
    if (byteCount === 0) break;
    chunks.push(chunk.subarray(0, byteCount));
    left -= byteCount;
  }
  return chunks;
}
