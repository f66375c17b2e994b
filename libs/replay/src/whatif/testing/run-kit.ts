import { formatRfc3339, type ActivityLabel, type Detection } from '@protego/contracts';
import type { RunManifest } from '../../run/run-manifest';
import { detectionDiffSource, type DetectionWithSeqs } from '../detection-source';
import type { EventFacts, NamedEntity } from '../places';
import { whatIfDiffOf, type WhatIfRequest } from '../whatif-diff';
import type { WhatIfDiff } from '../whatif-shape';
import { artefactsOf, ruleText } from './artefact-kit';

/** When the histories of these tests begin. */
export const START_MS = Date.UTC(2026, 2, 2, 7);

/** A detection of the rule `a`, a minute after the start, that rests on event 1, unless told otherwise. */
export function detectionOf(
  id: string,
  parts: Partial<Detection> & { readonly atMinute?: number; readonly seqs?: readonly number[] } = {},
): DetectionWithSeqs {
  const { atMinute = 1, seqs = [1], ...rest } = parts;
  const timeMs = START_MS + atMinute * 60_000;
  const detection: Detection = {
    ...{ id, ruleId: 'a', ruleHash: 'h', title: 'Rule a', severity: 'high', confidence: 'medium', entities: [] },
    window: { start: formatRfc3339(timeMs), end: formatRfc3339(timeMs + 1) },
    certainAt: formatRfc3339(timeMs),
    ...{ why: 'Something happened.', nextStep: 'Ask.', harmlessExplanation: 'None.', attack: [] },
    ...{ eventCount: seqs.length, status: 'raised' },
    ...rest,
  };
  return { detection, seqs };
}

/** Facts of an event of the source `s` whose id is its seq. */
export function factsOf(seq: number, entities: readonly NamedEntity[] = []): EventFacts {
  return { seq, source: 's', id: String(seq), entities };
}

/** An attack, or a benign twin, that consists of one event. */
export function labelOf(id: string, seq: number, kind: ActivityLabel['kind'] = 'attack'): ActivityLabel {
  const [startsAt, endsAt] = [formatRfc3339(START_MS), formatRfc3339(START_MS + 60_000)];
  return {
    ...{ id, attack: `kind-${id}`, kind, activity: `activity-${id}`, entities: [], startsAt, endsAt },
    eventIds: [{ source: 's', id: String(seq) }],
    detectableAt: kind === 'attack' ? startsAt : null,
  };
}

/** What a run over ten records says of itself. */
export function manifestOf(detections: number): RunManifest {
  return {
    version: 1,
    log: { origin: 'protego/north', root: '00'.repeat(32), size: 10 },
    range: { firstSeq: 0, readFrom: 0, emitFrom: null, emitTo: null, by: 'time' },
    artefacts: {},
    engine: 'e',
    erasuresAt: 0,
    knowledge: 'then',
    mutes: { option: 'honoured', events: 0, muted: 0, updated: 0 },
    outputHash: '11'.repeat(32),
    counts: {
      ...{ records: 10, events: 10, detections, late: 0, skewed: 0, ruleFailed: 0, undecidable: 0 },
      byRule: {},
    },
  };
}

/** Compares two lists of detections, whose rule `a` differs between the sets. */
export function compare(
  before: readonly DetectionWithSeqs[],
  after: readonly DetectionWithSeqs[],
  parts: Partial<WhatIfRequest> & { readonly facts?: readonly EventFacts[] } = {},
): WhatIfDiff {
  const { facts = [], ...rest } = parts;
  return whatIfDiffOf({
    baseline: { name: 'old', manifest: manifestOf(before.length), artefacts: artefactsOf([ruleText('a', 'root')]) },
    candidate: { name: 'new', manifest: manifestOf(after.length), artefacts: artefactsOf([ruleText('a', 'anna')]) },
    sources: [detectionDiffSource(before, after)],
    evidence: (seqs) => facts.filter(({ seq }) => seqs.includes(seq)),
    knowledge: () => [],
    gates: [],
    ...rest,
  });
}
