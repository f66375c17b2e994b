import type { ProtegoEvent, ProtegoError } from '@protego/contracts';

/** How far publication has come. */
export interface LastOutput {
  /** Stream sequence of the last message; 0 for a stream that never held one. */
  readonly streamSeq: number;
  /** Seq of the record that the last result stands for, -1 for none yet; undefined where there is no message. */
  readonly logSeq: number | undefined;
  /** How long the stream keeps a message, milliseconds; 0 for ever. */
  readonly maxAgeMs: number;
}

/** A message that could not become an event. */
export interface RejectedInput {
  readonly subject: string;
  readonly source: string;
  /** Unique per message, so that a repeated rejection is stored once. */
  readonly id: string;
  readonly code: ProtegoError['code'];
  /** JSON of message, help and details, sealed: they may quote what the sender has put in. */
  readonly sealedReason: Uint8Array;
  /** The message, sealed. */
  readonly sealedBytes: Uint8Array;
  /** Length of the message, bytes. */
  readonly byteCount: number;
}

/** A refused input as it is read back. */
export type SealedLetter = Pick<RejectedInput, 'subject' | 'sealedReason' | 'sealedBytes'>;

/** The engine's outgoing side of the message bus. */
export interface Bus {
  /** @throws ProtegoError `NATS_UNAVAILABLE` */
  lastOutput(): Promise<LastOutput>;
  /** Publishes a result; resolves when the stream has stored it, and only if the stream ended at `expectedStreamSeq`. */
  publishOutput(subject: string, event: ProtegoEvent, logSeq: number, expectedStreamSeq: number): Promise<void>;
  /**
   * Publishes a signed checkpoint of the log as text, in the order of the results; resolves when the stream has stored it.
   *
   * @param lastLogSeq - record that the result before it stands for; -1 where there is none
   */
  publishCheckpoint(note: string, lastLogSeq: number, expectedStreamSeq: number): Promise<void>;
  /** Stores a refused input with its reason; resolves when it is stored. */
  publishRejected(rejected: RejectedInput): Promise<void>;
  /** The newest refused inputs that are stored, oldest first, at most `countMax`. */
  rejected(countMax: number): AsyncIterable<SealedLetter>;
  /** Inputs that are stored and not acknowledged yet. */
  waitingInputs(): Promise<number>;
  /** True while the connection stands. */
  isConnected(): boolean;
  close(): Promise<void>;
}
