import { ProtegoError, type Clock } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { BLOCK_BYTES_LIMIT, BLOCK_HEADER_BYTES } from '../blocks/block-format';
import type { CheckpointPolicy } from '../tree/checkpointer';
import type { LogFileLayer } from './file-layer';
import type { Schedule } from './schedule';

const MIB = 1 << 20;
/** Offsets within a segment are kept in 32 bits; one block and its record may carry it over its limit. */
const SEGMENT_BYTES_LIMIT = 2048 * MIB;

/** Where and how a log is written. */
export interface EventLogWriterOptions {
  /** Directory of the log; it is created when it is missing. */
  readonly directory: string;
  /** Name of the log, as its checkpoints carry it: no white space, no plus sign, at most 256 characters. */
  readonly origin: string;
  /** Keys of the log: the same at each opening. */
  readonly keys: LogKeys;
  /** Tells the time for the note that says who holds the lock, and when a checkpoint was signed. */
  readonly clock?: Clock;
  /** Size at which the next segment begins, bytes; default 64 MiB. */
  readonly segmentBytesMax?: number;
  /** Records after which the next segment begins; default 262,144. */
  readonly segmentRecordsMax?: number;
  /** Size at which a block is closed, bytes before compression; default 256 KiB. */
  readonly blockBytesMax?: number;
  /** Most bytes that may wait for the disk; default 64 MiB. */
  readonly queueBytesMax?: number;
  /** Called when a segment is finished: it changes no more, and its footer can be read. */
  readonly onSegmentFinished?: (segment: FinishedSegment) => void;
  /** When checkpoints are signed; default: after 65,536 records, or 10 s after the first that the last does not cover. */
  readonly checkpoint?: CheckpointPolicy;
  /** Timers for checkpoints and tiles; only a test has others. */
  readonly schedule?: Schedule;
  /** The disk; only a test has another. */
  readonly layer?: LogFileLayer;
}

/** Records of a segment that changes no more. */
export interface FinishedSegment {
  readonly firstSeq: number;
  /** Seq after its last record. */
  readonly endSeq: number;
}

/** Sizes at which blocks, segments and the queue end. */
export interface WriterLimits {
  readonly blockBytesMax: number;
  readonly segmentBytesMax: number;
  readonly segmentRecordsMax: number;
  readonly queueBytesMax: number;
}

/**
 * The limits that the options give.
 *
 * @throws ProtegoError `CONFIG_INVALID`
 */
export function limitsOf(options: EventLogWriterOptions): WriterLimits {
  const { blockBytesMax = 256 << 10, segmentBytesMax = 64 * MIB } = options;
  const { segmentRecordsMax = 262_144, queueBytesMax = 64 * MIB } = options;
  const limits = { blockBytesMax, segmentBytesMax, segmentRecordsMax, queueBytesMax };
  const areWhole = Object.values(limits).every((limit) => Number.isSafeInteger(limit) && limit > 0);
  const isBlockSound = blockBytesMax > BLOCK_HEADER_BYTES && blockBytesMax <= BLOCK_BYTES_LIMIT;
  if (areWhole && isBlockSound && segmentBytesMax <= SEGMENT_BYTES_LIMIT) return limits;
  throw new ProtegoError('CONFIG_INVALID', 'limits of blocks, segments and queue must be whole numbers within bounds');
}
