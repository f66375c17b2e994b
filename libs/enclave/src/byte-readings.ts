import { isUtf8 } from 'node:buffer';

/**
 * Ways to read bytes of unknown kind in which to look for names: as UTF-8, and where they may be neither that nor ASCII, as
 * Latin-1 and as UTF-16 in both orders.
 */
export function readingsOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts = [buffer.toString('utf8')];
  if (!isUtf8(buffer)) texts.push(buffer.toString('latin1'));
  if (!buffer.includes(0)) return texts;
  const even = buffer.subarray(0, buffer.length - (buffer.length % 2));
  return [...texts, even.toString('utf16le'), Buffer.from(even).swap16().toString('utf16le')];
}
