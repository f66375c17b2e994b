import type { EventSeq } from '@protego/contracts';

/** Most bytes of one record's body. Events stay below it; the room above them is for what the engine derives. */
export const RECORD_BYTES_MAX = 65_536;

/** A record before it has a place in the log. All times are milliseconds since the Unix epoch. */
export interface LogRecordInput {
  /** Canonical JSON (RFC 8785) in UTF-8, at most {@link RECORD_BYTES_MAX} bytes. */
  readonly body: Buffer;
  /** Event time. */
  readonly timeMs: number;
  /** Pipeline time. */
  readonly arrivedAtMs: number;
  /** Wall clock at append: evidence only. */
  readonly recordedAtMs: number;
  /** The body's `type`, kept apart so that a reader can choose records without decoding bodies. */
  readonly type: string;
}

/** A record at its place in the log. */
export interface LogRecord extends LogRecordInput {
  readonly seq: EventSeq;
}

/** What a checkpoint commits to. */
export interface LogCheckpoint {
  /** Number of records. */
  readonly size: number;
  /** RFC 6962 root over their leaves, hex. */
  readonly rootHash: string;
}
