import {
  CorrelationPlan,
  CorrelationRun,
  SigmaMatcher,
  type PlannedHit,
  type SigmaMatch,
  type SigmaRuleSet,
} from '@protego/streams';
import type { EventLine } from './event-lines';
import type { Terminal } from '../terminal';

/** How rules are asked. */
export interface SigmaRunOptions {
  readonly ignoreLogsource: boolean;
}

/** Lines `{"event":n,"rule":id,"file":path}` for every match, in the order of events and rules. */
export async function* matchEvents(
  set: SigmaRuleSet,
  events: AsyncIterable<EventLine>,
  options: SigmaRunOptions,
  terminal: Terminal,
): AsyncGenerator<string> {
  const matcher = new SigmaMatcher(set.rules, options);
  for await (const { index, record } of events) {
    for (const { rule } of hitsOnly(matcher.match(record), index, terminal)) {
      yield JSON.stringify({ event: index, rule: rule.id, file: rule.path });
    }
  }
}

/** What one event brings to the correlations. */
interface TimedHits {
  readonly hits: readonly PlannedHit[];
  readonly timeMs: number;
  readonly index: number;
}

/** Most correlated matches that one run holds to put them in order. */
export const CORRELATED_HITS_MAX = 5_000_000;

/**
 * Lines `{"event":n,"rule":id,"group":{…},"value":x}` for every event on which a correlation's condition holds. Events are
 * taken in the order of event time, then line; one without a time is reported and left out.
 */
export async function* correlateEvents(
  set: SigmaRuleSet,
  events: AsyncIterable<EventLine>,
  options: SigmaRunOptions,
  terminal: Terminal,
): AsyncGenerator<string> {
  const plan = new CorrelationPlan(set.linked, () => []);
  const timed = await collectHits(set, plan, events, options, terminal);
  timed.sort((a, b) => a.timeMs - b.timeMs || a.index - b.index);
  const run = new CorrelationRun(plan, 'every');
  for (const { hits, timeMs, index } of timed) {
    for (const { correlation, firing } of run.step(hits, timeMs, [index, '', String(index)])) {
      yield JSON.stringify({ event: index, rule: correlation.id, group: firing.group, value: firing.value });
    }
  }
}

async function collectHits(
  set: SigmaRuleSet,
  plan: CorrelationPlan,
  events: AsyncIterable<EventLine>,
  options: SigmaRunOptions,
  terminal: Terminal,
): Promise<TimedHits[]> {
  const matcher = new SigmaMatcher(set.rules, options);
  const collected: TimedHits[] = [];
  let count = 0;
  for await (const { index, record, timeMs } of events) {
    if (timeMs === undefined) {
      terminal.note(`line ${index}: no event time; name its field with --time-field`);
      continue;
    }
    const rules = hitsOnly(matcher.match(record), index, terminal).map(({ rule }) => rule);
    const hits = plan.hitsOf(rules, record, asItIs, nothingIsLost);
    if (hits.length > 0) collected.push({ hits, timeMs, index });
    count += hits.length;
    if (count > CORRELATED_HITS_MAX) throw new Error(`more than ${CORRELATED_HITS_MAX} matches to put in order`);
  }
  return collected;
}

const asItIs = (text: string): string => text;
const nothingIsLost = (): boolean => false;

function hitsOnly(matches: readonly SigmaMatch[], index: number, terminal: Terminal): SigmaMatch[] {
  return matches.filter(({ rule, failure }) => {
    if (failure !== undefined) terminal.note(`line ${index}: rule ${rule.id} failed: ${failure.message} (RULE_FAILED)`);
    return failure === undefined;
  });
}
