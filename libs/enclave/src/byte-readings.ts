import { isUtf8 } from 'node:buffer';

/** Fewer bytes are read in every way. */
const LARGE_BYTES = 65_536;
/** Of many bytes, so many must be zero for one to be for UTF-16: the letters that have none are not in two planes alone. */
const ZERO_SHARE = 64;
/** Of so many zeros in one place of a pair for one in the other, the order of the bytes is known. */
const ORDER_SHARE = 4;
/** Of many bytes that are not UTF-8, text in UTF-8 has fewer than one in so many that cannot be read as such. */
const UNREADABLE_SHARE = 8;
const UNREADABLE = '\ufffd';

/**
 * Ways to read bytes of unknown kind in which to look for names: as UTF-8, and where they may be neither that nor ASCII, as
 * Latin-1 and as UTF-16 in both orders. Of more than 64 Ki bytes, ways that few of them speak for are left out.
 */
export function readingsOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLarge = buffer.length > LARGE_BYTES;
  const texts = [buffer.toString('utf8')];
  if (!isUtf8(buffer)) {
    if (isLarge && countOf(texts[0] as string, UNREADABLE) * UNREADABLE_SHARE > buffer.length) texts.pop();
    texts.push(buffer.toString('latin1'));
  }
  return [...texts, ...wideReadingsOf(buffer, isLarge)];
}

/** In the order in which most zeros stand where the letters of Latin have them, or in both where that does not tell. */
function wideReadingsOf(buffer: Buffer, isLarge: boolean): string[] {
  const zeros = [0, 0] as [number, number];
  for (let at = buffer.indexOf(0); at >= 0; at = buffer.indexOf(0, at + 1)) {
    zeros[at % 2 === 0 ? 0 : 1]++;
    if (!isLarge) break;
  }
  const [first, second] = zeros;
  if (first + second < (isLarge ? buffer.length / ZERO_SHARE : 1)) return [];
  const even = buffer.subarray(0, buffer.length - (buffer.length % 2));
  const readings: string[] = [];
  if (!isLarge || second * ORDER_SHARE >= first) readings.push(even.toString('utf16le'));
  if (!isLarge || first * ORDER_SHARE >= second) readings.push(swappedReadingOf(even));
  return readings;
}

function swappedReadingOf(even: Buffer): string {
  const swapped = Buffer.from(even).swap16();
  const text = swapped.toString('utf16le');
  // The text is whole in it, and may be personal.
  swapped.fill(0);
  return text;
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}
