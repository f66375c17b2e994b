import { ProtegoError } from '@protego/contracts';
import { TILE_WIDTH } from './tile-path';

const LENGTH_BYTES = 2;
/** Most bytes of an entry in a bundle: what a u16 can say. */
export const BUNDLE_ENTRY_BYTES_MAX = 0xffff;

/** An entry bundle, or as much of it as its format can carry. */
export interface EntryBundle {
  /** The entries, each with its length before it as a big-endian u16 (C2SP tlog-tiles, "Log entries"). */
  readonly content: Buffer;
  /** Number of entries in it. */
  readonly count: number;
  /**
   * Place of the first entry that is longer than {@link BUNDLE_ENTRY_BYTES_MAX}: the bundle ends before it, because its readers
   * know entries by their place. Undefined when all are in it.
   */
  readonly tooLongAt?: number;
}

/**
 * Puts up to 256 entries into a bundle. An entry is the leaf data of a record, without the prefix of its hash.
 *
 * @throws ProtegoError `LOG_RECORD_INVALID` for no entries or more than 256
 */
export function makeEntryBundle(entries: readonly Buffer[]): EntryBundle {
  if (entries.length === 0 || entries.length > TILE_WIDTH) {
    throw new ProtegoError('LOG_RECORD_INVALID', `a bundle holds 1 to ${TILE_WIDTH} entries, not ${entries.length}`);
  }
  const tooLongAt = entries.findIndex((entry) => entry.length > BUNDLE_ENTRY_BYTES_MAX);
  const fitting = tooLongAt < 0 ? entries : entries.slice(0, tooLongAt);
  const pieces = fitting.flatMap((entry) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  });
  const bundle = { content: Buffer.concat(pieces), count: fitting.length };
  return tooLongAt < 0 ? bundle : { ...bundle, tooLongAt };
}

/**
 * The entries of a bundle; they share its memory.
 *
 * @throws ProtegoError `BUNDLE_INVALID` when it is cut off, or holds none or more than 256
 */
export function parseEntryBundle(content: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < content.length;) {
    const start = at + LENGTH_BYTES;
    const end = start <= content.length ? start + content.readUInt16BE(at) : Infinity;
    if (end > content.length) throw new ProtegoError('BUNDLE_INVALID', 'the entry bundle is cut off');
    entries.push(content.subarray(start, end));
    at = end;
  }
  if (entries.length > 0 && entries.length <= TILE_WIDTH) return entries;
  throw new ProtegoError('BUNDLE_INVALID', `the entry bundle holds ${entries.length} entries`);
}
