import { ProtegoError, isProtegoError, messageOf, type ErrorCode } from '@protego/contracts';

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

const CODES_BY_ERRNO: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'LOG_DISK_FULL',
  EDQUOT: 'LOG_DISK_FULL',
  EROFS: 'LOG_READ_ONLY',
  EACCES: 'LOG_READ_ONLY',
  EPERM: 'LOG_READ_ONLY',
};

/**
 * What a failed step on the disk means: `LOG_DISK_FULL`, `LOG_READ_ONLY`, else `LOG_WRITE_FAILED`. An error that has a
 * code of ours already comes back as it is.
 *
 * @param action what could not be done, to follow "cannot"
 */
export function writeFailure(action: string, cause: unknown, details: Record<string, unknown> = {}): ProtegoError {
  if (isProtegoError(cause)) return cause;
  const code = CODES_BY_ERRNO[(cause as NodeJS.ErrnoException | undefined)?.code ?? ''] ?? 'LOG_WRITE_FAILED';
  return new ProtegoError(code, `cannot ${action}: ${messageOf(cause)}`, details, { cause });
}

function describe(place: LogPlace, reason: string): string {
  return `segment \`${place.segment}\`, offset ${place.offset}, seq ${place.seq}: ${reason}`;
}
