import { parseRfc3339Ms, type LoggedEvent } from '@protego/contracts';
import { simulateHospital } from '@protego/simulation';
import { buildPipeline, type DetectionResult, type PipelineArtefacts, type PipelineResult } from '@protego/streams';
import { Subject } from 'rxjs';
import { EventJournal } from './event-journal';
import { SilentCoverage } from './rule-coverage';
import type { RunPlan } from './run-plan';
import { scoreAlarms, type FalseAlarm, type RaisedAlarm, type ScoredActivity } from './scoring';

/** What was found out about one simulated history; plain data. */
export interface RunOutcome {
  readonly plan: RunPlan;
  /** Events, each counted once. */
  readonly eventCount: number;
  /** Wards with beds. */
  readonly wardCount: number;
  readonly elapsedMs: number;
  readonly attacks: readonly ScoredActivity[];
  readonly twins: readonly ScoredActivity[];
  /** The first of them; {@link falseAlarmCounts} counts all. */
  readonly falseAlarms: readonly FalseAlarm[];
  /** By rule: all, and those that belong to a benign twin. */
  readonly falseAlarmCounts: Readonly<Record<string, FalseAlarmCount>>;
  /** Ids of rules, correlations and detectors that raised, or matched where they raise nothing. */
  readonly fired: readonly string[];
  /** By rule: how often it threw. */
  readonly failures: Readonly<Record<string, number>>;
  /** By counter of the pipeline, what it had to drop or evict; none where all fitted. */
  readonly losses: Readonly<Record<string, number>>;
}

/** False alarms of one rule. */
export interface FalseAlarmCount {
  readonly all: number;
  readonly onTwins: number;
}

/** False alarms that a run tells of one by one. */
const FALSE_ALARMS_TOLD_MAX = 500;
/** Events between two words about progress. */
const PROGRESS_EVENTS = 20_000;

/**
 * Simulates a history, runs it through the pipeline and scores what is raised. It holds what is raised and the ids of events
 * until the end, and no events.
 *
 * @param fired - ids of silent rules that need no watching, because they fired elsewhere
 */
export function watchRun(
  plan: RunPlan,
  artefacts: PipelineArtefacts,
  fired: ReadonlySet<string> = new Set(),
  onProgress?: (eventCount: number) => void,
): RunOutcome {
  const startedMs = performance.now();
  const { scenario, seed, days, settings } = plan;
  const simulation = simulateHospital({ scenario, seed, days, settings });
  const journal = new EventJournal();
  const pipeline = buildPipeline(artefacts);
  const coverage = new SilentCoverage(artefacts.rules, fired);
  const raised = new RaisedResults();
  const input = new Subject<LoggedEvent>();
  input.pipe(pipeline.results).subscribe((result) => raised.take(result));
  for (const event of simulation.events) {
    const logged = journal.take(event);
    if (logged === undefined) continue;
    input.next(logged);
    coverage.see(logged);
    if (journal.size % PROGRESS_EVENTS === 0) onProgress?.(PROGRESS_EVENTS);
  }
  onProgress?.(journal.size % PROGRESS_EVENTS);
  const { attacks, twins, falseAlarms } = scoreAlarms(simulation.labels(), raised.alarms(journal));
  return {
    plan,
    eventCount: journal.size,
    wardCount: simulation.hospital.wards.filter(({ bedCount }) => bedCount > 0).length,
    elapsedMs: performance.now() - startedMs,
    attacks,
    twins,
    falseAlarms: falseAlarms.slice(0, FALSE_ALARMS_TOLD_MAX),
    falseAlarmCounts: countsOf(falseAlarms),
    fired: [...new Set([...raised.ruleIds(), ...coverage.fired()])],
    failures: Object.fromEntries(raised.failures),
    losses: lossesOf(pipeline.counters()),
  };
}

class RaisedResults {
  readonly failures = new Map<string, number>();
  readonly #detections: DetectionResult[] = [];

  take(result: PipelineResult): void {
    if (result.kind === 'detection') this.#detections.push(result);
    else if (result.kind === 'rule-failed')
      this.failures.set(result.ruleId, (this.failures.get(result.ruleId) ?? 0) + 1);
  }

  ruleIds(): string[] {
    return this.#detections.map(({ detection }) => detection.ruleId);
  }

  *alarms(journal: EventJournal): Generator<RaisedAlarm, undefined, undefined> {
    for (const { detection, certainAtMs, seqs } of this.#detections) {
      const { ruleId, entities, window } = detection;
      const [startMs, endMs] = [parseRfc3339Ms(window.start) as number, parseRfc3339Ms(window.end) as number];
      yield { ruleId, certainAtMs, startMs, endMs, entities, events: seqs.map((seq) => journal.eventAt(seq)) };
    }
    return undefined;
  }
}

function countsOf(falseAlarms: readonly FalseAlarm[]): Record<string, FalseAlarmCount> {
  const counts: Record<string, FalseAlarmCount> = {};
  for (const { ruleId, twin } of falseAlarms) {
    const { all, onTwins } = counts[ruleId] ?? { all: 0, onTwins: 0 };
    counts[ruleId] = { all: all + 1, onTwins: onTwins + (twin === null ? 0 : 1) };
  }
  return counts;
}

/** Counters of the pipeline that tell of something lost, where they are not zero. */
function lossesOf(counters: Readonly<Record<string, number>>): Record<string, number> {
  const isLoss = (name: string): boolean => /(Evicted|Dropped|Forced)$/.test(name);
  return Object.fromEntries(Object.entries(counters).filter(([name, count]) => isLoss(name) && count > 0));
}
