import type { ProtegoEvent, ProtegoError } from '@protego/contracts';

/** How far publication has come. */
export interface LastOutput {
  /** Stream sequence of the last message; 0 for a stream that never held one. */
  readonly streamSeq: number;
  /** Seq of the record that the last message stands for; undefined where there is no message. */
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
  readonly bytes: Uint8Array;
  readonly error: ProtegoError;
}

/** The engine's outgoing side of the message bus. */
export interface Bus {
  /** @throws ProtegoError `NATS_UNAVAILABLE` */
  lastOutput(): Promise<LastOutput>;
  /** Publishes a result; resolves when the stream has stored it, and only if the stream ended at `expectedStreamSeq`. */
  publishOutput(subject: string, event: ProtegoEvent, logSeq: number, expectedStreamSeq: number): Promise<void>;
  /** Stores a refused input with its reason; resolves when it is stored. */
  publishRejected(rejected: RejectedInput): Promise<void>;
  /** True while the connection stands. */
  isConnected(): boolean;
  close(): Promise<void>;
}
