import {
  dataschemaOf,
  eventRegistry,
  formatRfc3339,
  isProtegoError,
  type EventSeq,
  type LoggedEvent,
  type ProtegoEvent,
  type SourceDeclarations,
} from '@protego/contracts';
import { from } from 'rxjs';
import { buildPipeline } from './pipeline';
import type { DetectionResult, PipelineResult } from './result';
import { sigmaRecordOf } from './sigma-record';
import type { SigmaCorrelation } from './sigma/correlation';
import { SigmaMatcher } from './sigma/matcher';
import { warningAt, type SigmaProblem } from './sigma/problem';
import type { SigmaRule } from './sigma/rule';
import type { CaseEvent, RuleCase } from './sigma/rule-cases';
import type { SigmaRuleSet } from './sigma/rule-set';

/** Checks an event against the schema of its type, and throws a ProtegoError on one that does not satisfy it. */
export type CheckEvent = (event: ProtegoEvent) => void;

const DECLARATIONS: SourceDeclarations = {
  skewMaxMs: 60_000,
  defaults: { latenessMs: 2_000, idleAfterMs: 60_000 },
  sources: [],
};
/** How long after the last event of a case the watermark is made to pass it. */
const END_MS = 86_400_000;

/**
 * Runs one case of a document: a rule is asked about each event, a correlation about all of them, through the pipeline
 * that runs live. Returns what went wrong, `SIGMA_CASE_INVALID` or `SIGMA_CASE_FAILED`; undefined for a case that holds.
 *
 * @param set - holds the document and the rules that it refers to
 */
export function runRuleCase(
  set: SigmaRuleSet,
  document: SigmaRule | SigmaCorrelation,
  ruleCase: RuleCase,
  checkEvent: CheckEvent,
): SigmaProblem | undefined {
  for (const [index, event] of ruleCase.events.entries()) {
    // Native records have no schema.
    const problem = event.type === null ? undefined : schemaProblem(loggedEventOf(event, index), event, checkEvent);
    if (problem !== undefined) return problem;
  }
  const { expectation } = ruleCase;
  const failure =
    document.kind === 'rule' && expectation.kind === 'match'
      ? matchFailure(document, ruleCase, expectation.isWanted)
      : document.kind === 'correlation' && expectation.kind === 'detections'
        ? countFailure(set, document, ruleCase, expectation.count)
        : 'the case asks what its document cannot answer';
  return failure === undefined
    ? undefined
    : warningAt('SIGMA_CASE_FAILED', `case \`${ruleCase.name}\`: ${failure}`, ruleCase.at);
}

/** The events of a case as the log would hold them: by time, events of one time in the order of the file. */
export function caseLog({ events }: RuleCase): LoggedEvent[] {
  return [...events].sort((a, b) => a.timeMs - b.timeMs).map(loggedEventOf);
}

function loggedEventOf({ type, timeMs, source, subject, data }: Omit<CaseEvent, 'at'>, index: number): LoggedEvent {
  const wrapped = type ?? (typeof data['_path'] === 'string' ? NETWORK_RECORD_TYPE : HOST_RECORD_TYPE);
  const event: ProtegoEvent = {
    specversion: '1.0',
    id: `case-${index}`,
    source,
    type: wrapped,
    time: formatRfc3339(timeMs),
    site: 'case',
    dataschema: dataschemaOf(wrapped, versionOf(wrapped)),
    ...(subject === undefined ? {} : { subject }),
    data,
  };
  return { seq: index as EventSeq, timeMs, arrivedAtMs: timeMs, event };
}

const HOST_RECORD_TYPE = 'device.host-event-recorded';
const NETWORK_RECORD_TYPE = 'device.network-log-recorded';

function versionOf(type: string): number {
  return eventRegistry.latest().find((entry) => entry.type === type)?.version ?? 1;
}

function schemaProblem({ event }: LoggedEvent, { at }: CaseEvent, checkEvent: CheckEvent): SigmaProblem | undefined {
  try {
    checkEvent(event);
    return undefined;
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return warningAt('SIGMA_CASE_INVALID', error.message, at);
  }
}

function matchFailure(rule: SigmaRule, { events }: RuleCase, isWanted: boolean): string | undefined {
  const matcher = new SigmaMatcher([rule]);
  for (const [index, event] of events.entries()) {
    const [match] = matcher.match(sigmaRecordOf(loggedEventOf(event, index)));
    if (match?.failure !== undefined) return `the rule throws on event ${index + 1}: ${match.failure.message}`;
    if ((match !== undefined) !== isWanted)
      return isWanted ? `event ${index + 1} must match and does not` : `event ${index + 1} must not match and does`;
  }
  return undefined;
}

function countFailure(
  set: SigmaRuleSet,
  correlation: SigmaCorrelation,
  ruleCase: RuleCase,
  count: number,
): string | undefined {
  const results = resultsOf(membersOf(set, correlation), caseLog(ruleCase));
  const failed = results.find((result) => result.kind === 'rule-failed');
  if (failed?.kind === 'rule-failed') return `rule \`${failed.ruleId}\` throws: ${failed.message}`;
  const detections = results.filter(
    (result): result is DetectionResult =>
      result.kind === 'detection' && result.detection.ruleHash === correlation.contentHash,
  );
  if (detections.length === count) return undefined;
  return `${count} detections are wanted, ${detections.length} are raised`;
}

/** The correlation with all that it is about, directly or through other correlations. */
function membersOf(set: SigmaRuleSet, correlation: SigmaCorrelation): SigmaRuleSet {
  const reached = new Set<SigmaRule | SigmaCorrelation>([correlation]);
  const linkOf = new Map(set.linked.map((link) => [link.correlation, link]));
  for (const document of reached) {
    const members = document.kind === 'correlation' ? linkOf.get(document)?.members : undefined;
    for (const member of members ?? []) reached.add(member);
  }
  return {
    ...set,
    rules: set.rules.filter((rule) => reached.has(rule)),
    correlations: set.correlations.filter((other) => reached.has(other)),
    linked: set.linked.filter((link) => reached.has(link.correlation)),
  };
}

function resultsOf(rules: SigmaRuleSet, events: readonly LoggedEvent[]): PipelineResult[] {
  const endMs = (events.at(-1)?.timeMs ?? 0) + END_MS;
  const end = { type: 'clock.ticked', timeMs: endMs, source: 'protego', data: {} };
  const results: PipelineResult[] = [];
  let thrown: unknown;
  from([...events, loggedEventOf(end, events.length)])
    .pipe(buildPipeline({ rules, declarations: DECLARATIONS }).results)
    .subscribe({ next: (result) => results.push(result), error: (error: unknown) => (thrown = error) });
  if (thrown instanceof Error) throw thrown;
  return results;
}
