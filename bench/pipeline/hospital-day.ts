import { loadArtefactSet } from '@protego/artefacts';
import { canonicalJson, parseRfc3339Ms, type ProtegoEvent } from '@protego/contracts';
import type { LogRecordInput } from '@protego/event-log';
import { simulateHospital } from '@protego/simulation';
import { compileSigma, decidingText, type PipelineArtefacts } from '@protego/streams';
import { join } from 'node:path';
import { STREAMS } from '../places';

/** A day of the simulated general hospital, about 100,000 events, in arrival order; the same in every run. */
export function hospitalDay(): LogRecordInput[] {
  const { events } = simulateHospital({ scenario: 'general', seed: 1, days: 1 });
  return [...events].map(recordOf);
}

function recordOf(event: ProtegoEvent): LogRecordInput {
  const timeMs = parseRfc3339Ms(event.time) as number;
  const arrivedAtMs = parseRfc3339Ms(event.arrivedat as string) as number;
  return { body: Buffer.from(canonicalJson(event)), timeMs, arrivedAtMs, recordedAtMs: arrivedAtMs, type: event.type };
}

/** The rules and declarations that are shipped. */
export function hospitalPack(): PipelineArtefacts {
  const artefacts = loadArtefactSet({ rulesPath: join(STREAMS, 'rules'), streamsDir: STREAMS, decidingText });
  return { rules: compileSigma(artefacts.rules, artefacts), declarations: artefacts.declarations };
}
