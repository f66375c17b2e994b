import type { EncodedTexts, EventSeq } from '@protego/contracts';

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
  /** Names under which the record can be found without decoding bodies, at most `EVENT_SUBJECTS_MAX`. */
  readonly subjects?: readonly string[];
  /** The same encoded, where it is at hand so; `subjects` is not asked then. */
  readonly encodedSubjects?: EncodedTexts;
  /** Hashes by which the dedupe index knows the record; missing, or an id hash of zero, for records that nobody sends twice. */
  readonly identity?: RecordIdentity;
}

/** What a record takes from a sealed event. */
export interface RecordParts {
  readonly body: Buffer;
  readonly sealed: Buffer;
  readonly subjects: readonly string[];
  readonly encodedSubjects?: EncodedTexts;
}

/**
 * A record of a sealed event: it asks the event for its parts only when the log asks for them, so that what waits for
 * its turn is small.
 */
export class SealedRecord implements LogRecordInput {
  readonly timeMs: number;
  readonly arrivedAtMs: number;
  readonly recordedAtMs: number;
  readonly type: string;
  readonly identity: RecordIdentity | undefined;
  readonly #parts: RecordParts;

  constructor(parts: RecordParts, record: Omit<LogRecordInput, keyof RecordParts>) {
    this.#parts = parts;
    this.timeMs = record.timeMs;
    this.arrivedAtMs = record.arrivedAtMs;
    this.recordedAtMs = record.recordedAtMs;
    this.type = record.type;
    this.identity = record.identity;
  }

  get body(): Buffer {
    return this.#parts.body;
  }

  get sealed(): Buffer {
    return this.#parts.sealed;
  }

  get subjects(): readonly string[] {
    return this.#parts.subjects;
  }

  get encodedSubjects(): EncodedTexts | undefined {
    return this.#parts.encodedSubjects;
  }
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
