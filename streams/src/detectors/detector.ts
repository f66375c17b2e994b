import { createHash } from 'node:crypto';
import { canonicalJson } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import { buildDetection, type Finding, type RuleIdentity } from '../detection-builder';
import type { EventOrder } from '../operators/event-heap';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import type { AnnouncedWork } from './announced-work';
import type { DeviceInventory } from './device-inventory';
import type { Fact } from './facts';
import type { HouseKnowledge } from './house-knowledge';

/** What is known of the house when an observation comes: shared by all detectors, none changes it. */
export interface Known {
  readonly devices: DeviceInventory;
  readonly work: AnnouncedWork;
  readonly people: HouseKnowledge;
}

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
  /** @param known - what is known of the house when an observation comes */
  readonly begin: (known: Known) => DetectorRun<FactOf<K>>;
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

/** What a detector found. */
export interface DetectorFinding extends Pick<Finding, 'startMs' | 'endMs' | 'certainAtMs' | 'refs'> {
  /** What the events have in common. */
  readonly group: readonly (string | number | null)[];
  /** Text for placeholders and entities, by name. */
  readonly values: Readonly<Record<string, string>>;
}

/** Puts a finding of a detector into words. */
export function detectionBy(rule: RuleIdentity, { group, values, ...found }: DetectorFinding): DetectionResult {
  return buildDetection({
    ...found,
    rule,
    groupKey: canonicalJson(group),
    textOf: (name) => values[name],
    timing: 'on-time',
  });
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
