import { ProtegoError } from '@protego/contracts';

/** A place in the stored bytes, for messages that an operator can act on. */
export interface LogPlace {
  /** File name of the segment. */
  readonly segment: string;
  /** Byte offset in the segment's file. */
  readonly offset: number;
  /** Seq of the first record that is concerned. */
  readonly seq: number;
}

/** `LOG_BLOCK_CORRUPT`: stored bytes that were altered or damaged. */
export function blockCorrupt(place: LogPlace, reason: string): ProtegoError {
  return new ProtegoError('LOG_BLOCK_CORRUPT', describe(place, reason), { ...place });
}

/** `LOG_CHAIN_BROKEN`: records that are missing, repeated or reordered. */
export function chainBroken(place: LogPlace, reason: string): ProtegoError {
  return new ProtegoError('LOG_CHAIN_BROKEN', describe(place, reason), { ...place });
}

/** `LOG_ROOT_MISMATCH`: records that differ from what was committed. */
export function rootMismatch(place: LogPlace, reason: string): ProtegoError {
  return new ProtegoError('LOG_ROOT_MISMATCH', describe(place, reason), { ...place });
}

function describe(place: LogPlace, reason: string): string {
  return `segment \`${place.segment}\`, offset ${place.offset}, seq ${place.seq}: ${reason}`;
}
