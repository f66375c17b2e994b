import { createHash } from 'node:crypto';
import { canonicalJson, type LoggedEvent } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import type { RuleIdentity } from '../detection-builder';
import type { EventOrder } from '../operators/event-heap';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';

/** What a detector needs of one event while it waits for its watermark; plain data with pseudonyms in place of persons. */
export interface Observation<F extends Json> extends EventOrder {
  readonly seq: number;
  readonly facts: F;
}

/** A detector at work: its state, and what it makes of its observations. */
export interface DetectorRun<F extends Json> extends StateStore {
  /** Takes observations in event-time order. */
  readonly detections: OperatorFunction<StreamElement<Observation<F>>, DetectionResult>;
  /** Sizes and evictions of its state. */
  counters(): Record<string, number>;
}

/** A detector of what Sigma rules cannot say. */
export interface Detector<F extends Json> {
  readonly rule: RuleIdentity;
  /** Types of the events that it reads. */
  readonly types: readonly string[];
  /** What it needs of an event of these types; undefined where the event is none of its business. Persons may stand in it
   * in clear: pseudonyms are put in their place before it goes any further. */
  readonly read: (logged: LoggedEvent) => F | undefined;
  /** Free text without which it cannot judge an event that it reads, by field name. Nothing without it. */
  readonly textFieldsOf?: (logged: LoggedEvent) => readonly string[];
  readonly begin: () => DetectorRun<F>;
}

/** What a detector says of itself, and the numbers that decide what it finds. */
export interface DetectorWords extends Omit<RuleIdentity, 'contentHash' | 'falsePositives'> {
  readonly version: number;
  readonly parameters: Readonly<Record<string, Json>>;
}

/** The identity of a detector: its content hash covers its id, its version and its parameters. */
export function detectorRule({ version, parameters, ...words }: DetectorWords): RuleIdentity {
  const decides = canonicalJson({ detector: words.id, version, ...parameters });
  return { ...words, contentHash: createHash('sha256').update(decides).digest('hex'), falsePositives: [] };
}

/** Reference to the event of an observation. */
export function refOf({ seq, source, id }: Omit<Observation<Json>, 'facts'>): EventRef {
  return [seq, source, id];
}

/** A run whose state is one store. */
export function runOver<F extends Json>(
  store: StateStore,
  parts: Omit<DetectorRun<F>, keyof StateStore>,
): DetectorRun<F> {
  return { ...parts, snapshot: () => store.snapshot(), restore: (state) => store.restore(state) };
}

/** A detector among others, whose facts are nobody else's business: whoever holds it hands them back to it alone. */
export function oneOfMany<F extends Json>(detector: Detector<F>): Detector<Json> {
  return detector as unknown as Detector<Json>;
}
