import type { LoggedEvent } from '@protego/contracts';
import { buildPipeline, type Pipeline, type PipelineSnapshot } from '../pipeline';
import type { PipelineArtefacts } from '../pipeline-rules';
import type { DetectionResult, PipelineResult } from '../result';
import { compileSigma } from '../sigma';
import { collect, declarationsOf, loggedEvent } from './event-kit';

/** A small pack: a rule that stands alone, one that is only counted, one that is both, and one that can be made to throw. */
const RULES = `
title: Privilege changed
id: privilege
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
level: low
protego: { why: '{user.uid} got other privileges.' }
---
title: Sign-in failed
id: failed
logsource: { category: access.sign-in-failed, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
---
title: Record read
id: read
logsource: { category: access.record-read, product: protego }
detection: { selection: { patient.uid|exists: true }, condition: selection }
---
title: Fragile
id: fragile
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { trap: sprung }, condition: selection }
---
title: Sign-in failed, seen by another rule
id: failed-too
logsource: { category: access.sign-in-failed, product: protego }
detection: { selection: { status_detail: twice }, condition: selection }
---
title: Many failures
id: many-failures
correlation: { type: event_count, rules: [failed, failed-too], group-by: [user.uid], timespan: 10s, condition: { gte: 3 } }
level: high
protego: { why: '{user.uid} failed {count} times in {timespan}, last from {src_endpoint.ip}.' }
---
title: Many patients
id: many-patients
correlation:
  { type: value_count, rules: [read], group-by: [actor.user.uid], timespan: 1m, condition: { field: patient.uid, gte: 2 }, generate: true }
level: medium
`;

/** Artefacts of the pack, with two declared feeds. */
export const TEST_ARTEFACTS: PipelineArtefacts = {
  rules: compileSigma([{ path: 'test.yml', text: RULES }]),
  declarations: declarationsOf([{ name: 'ehr' }, { name: 'endpoint', idleAfterMs: 5_000 }]),
};

/** A pipeline over the pack. */
export function testPipeline(snapshot?: PipelineSnapshot): Pipeline {
  return buildPipeline(TEST_ARTEFACTS, snapshot);
}

/** What a pipeline makes of events, from its present state on. */
export function resultsOf(events: readonly LoggedEvent[], pipeline: Pipeline = testPipeline()): PipelineResult[] {
  return collect(pipeline.results, events);
}

/** The detections among results. */
export function detectionsAmong(results: readonly PipelineResult[]): DetectionResult[] {
  return results.filter((result) => result.kind === 'detection');
}

/** Event that opens an import session. */
export function openedEvent(arrivedAtMs: number): LoggedEvent {
  const data = { session: 's', kind: 'import' };
  return loggedEvent({ id: 'opened', timeMs: arrivedAtMs, source: 'protego', type: 'log.session-opened', data });
}

/** Event that closes it. */
export function closedEvent(arrivedAtMs: number): LoggedEvent {
  const data = { session: 's', reason: 'completed' };
  return loggedEvent({ id: 'closed', timeMs: arrivedAtMs, source: 'protego', type: 'log.session-closed', data });
}
