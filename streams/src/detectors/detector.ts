import { createHash } from 'node:crypto';
import { canonicalJson } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import type { RuleIdentity } from '../detection-builder';
import type { EventOrder } from '../operators/event-heap';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import type { Fact } from './facts';

/** What detectors need of one event while it waits for its watermark; pseudonyms stand in it in place of persons. */
export interface Observation<F extends Fact = Fact> extends EventOrder {
  readonly seq: number;
  readonly fact: F;
}

/** A detector at work: its state, and what it makes of its observations. */
export interface DetectorRun<F extends Fact = Fact> extends StateStore {
  /** Takes observations in event-time order. */
  readonly detections: OperatorFunction<StreamElement<Observation<F>>, DetectionResult>;
  /** Sizes and evictions of its state. */
  counters(): Record<string, number>;
}

/** A detector of what Sigma rules cannot say. */
export interface Detector<K extends Fact['kind'] = Fact['kind']> {
  readonly rule: RuleIdentity;
  /** Facts that it takes. */
  readonly kinds: readonly K[];
  /** Which of them, where not all. */
  readonly isWanted?: (fact: FactOf<K>) => boolean;
  readonly begin: () => DetectorRun<FactOf<K>>;
}

/** The facts of some kinds. */
export type FactOf<K extends Fact['kind']> = Extract<Fact, { readonly kind: K }>;

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
export function refOf({ seq, source, id }: Observation): EventRef {
  return [seq, source, id];
}

/** A run whose state is one store. */
export function runOver<F extends Fact>(
  store: StateStore,
  parts: Omit<DetectorRun<F>, keyof StateStore>,
): DetectorRun<F> {
  return { ...parts, snapshot: () => store.snapshot(), restore: (state) => store.restore(state) };
}

/** A detector among others: whoever holds it hands it none but the facts that it takes. */
export function oneOfMany<K extends Fact['kind']>(detector: Detector<K>): Detector {
  return detector as unknown as Detector;
}
