import { Correlator, SigmaMatcher, type CorrelationHit, type SigmaMatch, type SigmaRuleSet } from '@protego/streams';
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

interface TimedHit {
  readonly correlator: Correlator;
  readonly hit: CorrelationHit;
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
  const hits = await collectHits(set, events, options, terminal);
  hits.sort((a, b) => a.timeMs - b.timeMs || a.index - b.index);
  for (const { correlator, hit, timeMs, index } of hits) {
    const firing = correlator.step(hit, timeMs, [index, '', String(index)]);
    if (firing === undefined) continue;
    yield JSON.stringify({ event: index, rule: correlator.correlation.id, group: firing.group, value: firing.value });
  }
}

async function collectHits(
  set: SigmaRuleSet,
  events: AsyncIterable<EventLine>,
  options: SigmaRunOptions,
  terminal: Terminal,
): Promise<TimedHit[]> {
  const matcher = new SigmaMatcher(set.rules, options);
  const correlators = set.correlations.map((correlation) => new Correlator(correlation, 'every'));
  const hits: TimedHit[] = [];
  for await (const { index, record, timeMs } of events) {
    if (timeMs === undefined) {
      terminal.note(`line ${index}: no event time; name its field with --time-field`);
      continue;
    }
    const matches = hitsOnly(matcher.match(record), index, terminal);
    for (const correlator of correlators) {
      const member = matches.find(({ rule }) => correlator.refersTo(rule));
      const hit = member === undefined ? undefined : correlator.hitOf(member.rule, record);
      if (hit !== undefined) hits.push({ correlator, hit, timeMs, index });
    }
    if (hits.length > CORRELATED_HITS_MAX) throw new Error(`more than ${CORRELATED_HITS_MAX} matches to put in order`);
  }
  return hits;
}

function hitsOnly(matches: readonly SigmaMatch[], index: number, terminal: Terminal): SigmaMatch[] {
  return matches.filter(({ rule, failure }) => {
    if (failure !== undefined) terminal.note(`line ${index}: rule ${rule.id} failed: ${failure.message} (RULE_FAILED)`);
    return failure === undefined;
  });
}
