import type { EventSeq } from './ids';

/** Most bytes of one event in canonical JSON, UTF-8. Larger content goes by `dataref` and digest. */
export const EVENT_BYTES_MAX = 49_152;

/** JSON object as it stands in `data`. */
export type EventData = Readonly<Record<string, unknown>>;

/**
 * What happened, as a CloudEvents 1.0 JSON object (structured mode). `time` is event time: when it happened, by the
 * source's clock.
 */
export interface ProtegoEvent {
  readonly specversion: '1.0';
  /** Unique within `source` for ever; a repeated id is a duplicate and is dropped. */
  readonly id: string;
  /** Name of the declared feed. */
  readonly source: string;
  /** Dotted, past tense: `access.record-read`. */
  readonly type: string;
  /** Event time, RFC 3339. */
  readonly time: string;
  /** The device, person or exchange it is about. */
  readonly subject?: string;
  readonly site: string;
  /** `urn:protego:<type>@<version>`; version 1 where it is missing. */
  readonly dataschema?: string;
  readonly datacontenttype?: string;
  /** Pipeline time by a producer that is declared to carry the clock; RFC 3339. */
  readonly arrivedat?: string;
  readonly dataref?: string;
  readonly data: EventData;
}

/** An event as it stands in the log: what the pipeline reads, live and in replay. */
export interface LoggedEvent {
  readonly seq: EventSeq;
  /** Pipeline time, milliseconds since the Unix epoch; monotone within a session. */
  readonly arrivedAtMs: number;
  /** Event time, milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Clear in the fields of staff and in free text; tokens in those of patients. */
  readonly event: ProtegoEvent;
  /** What stands outside the pipeline for the clear personal values in `event`: clear text → pseudonym. */
  readonly pseudonyms?: ReadonlyMap<string, string>;
  /** JSON pointers (RFC 6901, from the event's top) of fields that nobody can read any more; they hold placeholders. */
  readonly erased?: readonly string[];
}
