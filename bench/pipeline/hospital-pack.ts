import { eventRegistry, readLoggedEvent, type EventSeq, type LoggedEvent } from '@protego/contracts';
import { buildPipeline } from '@protego/streams';
import { Subject } from 'rxjs';
import type { BenchCase, Contest } from '../bench-case';
import { ratePerSecond } from '../rounds';
import { hospitalDay, hospitalPack } from './hospital-day';

/** Passes over the day in one round, each with a pipeline of its own. */
const PASSES = 3;

/** Throughput of the pipeline alone. */
export const PIPELINE_HOSPITAL_PACK: BenchCase = {
  bench: 'pipeline',
  metric: 'hospital-pack',
  unit: 'events/s',
  description:
    'A simulated hospital day, decoded beforehand, through buildPipeline with the rules, correlations and detectors that are shipped; one core.',
  prepare,
};

function prepare(): Contest {
  const artefacts = hospitalPack();
  const events = hospitalDay().map((record, n) => readLoggedEvent({ ...record, seq: n as EventSeq }, eventRegistry));
  return {
    product: () => {
      const startMs = performance.now();
      for (let pass = 0; pass < PASSES; pass++) requireDetections(run(events, artefacts));
      return ratePerSecond(PASSES * events.length, performance.now() - startMs);
    },
  };
}

function run(events: readonly LoggedEvent[], artefacts: Parameters<typeof buildPipeline>[0]): number {
  const input = new Subject<LoggedEvent>();
  let detections = 0;
  const subscription = input.pipe(buildPipeline(artefacts).results).subscribe(({ kind }) => {
    if (kind === 'detection') detections++;
  });
  for (const event of events) input.next(event);
  subscription.unsubscribe();
  return detections;
}

function requireDetections(count: number): void {
  if (count === 0) throw new Error('the pipeline found nothing in a day with attacks in every hour');
}
