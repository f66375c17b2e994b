import type { EventSeq } from '@protego/contracts';

/** Most bytes of one record's body. Events stay below it; the room above them is for what the engine derives. */
export const RECORD_BYTES_MAX = 65_536;
/** Most bytes of one record's sealed personal fields. */
export const SEALED_BYTES_MAX = 131_072;

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
  /** Sealed personal fields; the leaf covers them. Empty or missing where there are none. */
  readonly sealed?: Buffer;
  /** Names under which the record can be found without decoding bodies, at most 64. */
  readonly subjects?: readonly string[];
  /** Hashes by which the dedupe index knows the record; missing, or an id hash of zero, for records that nobody sends twice. */
  readonly identity?: RecordIdentity;
}

/** Keyed hashes of a record's (source, id) and of its content, as 32-bit words. */
export interface RecordIdentity {
  readonly idHigh: number;
  readonly idLow: number;
  readonly contentHigh: number;
  readonly contentLow: number;
}

/** A record at its place in the log. Its buffers share memory with their block. */
export interface LogRecord {
  readonly seq: EventSeq;
  /** Event time, milliseconds since the Unix epoch, as the other times. */
  readonly timeMs: number;
  /** Pipeline time. */
  readonly arrivedAtMs: number;
  /** Wall clock at append: evidence only. */
  readonly recordedAtMs: number;
  readonly type: string;
  /** Canonical JSON; personal fields hold placeholders. */
  readonly body: Buffer;
  /** Sealed personal fields; empty where there are none. */
  readonly sealed: Buffer;
  /** The leaf data that the Merkle tree commits to, without the prefix 0x00. */
  readonly leaf: Buffer;
}

/** What a checkpoint commits to. */
export interface LogCheckpoint {
  /** Number of records. */
  readonly size: number;
  /** RFC 6962 root over their leaves, hex. */
  readonly rootHash: string;
}
