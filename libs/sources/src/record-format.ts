import { EVENT_BYTES_MAX, ProtegoError, canonicalJson, type ProtegoEvent } from '@protego/contracts';
import type { LineIds } from './line-ids';
import type { ReadSourceOptions } from './source-item';

/** A line that is known to be well-formed UTF-8 and not blank. */
export interface TextLine {
  readonly bytes: Buffer;
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

/** An event and its times, milliseconds since the Unix epoch. */
export interface TimedEvent {
  readonly event: ProtegoEvent;
  readonly timeMs: number;
  /** Pipeline time where the record states one. */
  readonly arrivedAtMs: number | undefined;
}

/** Makes an event of a line, or throws a ProtegoError that says why it cannot. */
export type RecordFormat = (line: TextLine) => TimedEvent;

/** What a format needs to know about the file it reads. */
export interface FormatContext {
  readonly options: ReadSourceOptions;
  readonly path: string;
  readonly ids: LineIds;
}

const SUBJECT_LENGTH_MAX = 256;
// Canonical JSON of a parsed line is at most four times as long as the line: only numbers grow (`1e15` to 16 digits).
const CANONICAL_GROWTH_MAX = 4;
const ENVELOPE_BYTES_MAX = 4096;

/** Length of a line, bytes, up to which its event cannot exceed the limit, so that its size need not be measured. */
export const SURELY_SMALL_BYTES = (EVENT_BYTES_MAX - ENVELOPE_BYTES_MAX) / CANONICAL_GROWTH_MAX;

/**
 * Measures an event in canonical JSON.
 *
 * @throws ProtegoError `EVENT_TOO_LARGE`, and what {@link canonicalJson} throws
 */
export function requireEventSize(event: ProtegoEvent): void {
  const bytes = Buffer.byteLength(canonicalJson(event));
  if (bytes <= EVENT_BYTES_MAX) return;
  throw new ProtegoError('EVENT_TOO_LARGE', `event has ${bytes} bytes, at most ${EVENT_BYTES_MAX} are allowed`, {
    bytes,
    bytesMax: EVENT_BYTES_MAX,
  });
}

/** A value as `subject`: text only, cut to what an envelope holds, and undefined where it is empty or no text. */
export function subjectOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  if (value.length <= SUBJECT_LENGTH_MAX) return value;
  const cut = value.slice(0, SUBJECT_LENGTH_MAX);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
