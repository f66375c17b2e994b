import fc from 'fast-check';
import { parseRfc3339Ms, type LoggedEvent } from '@protego/contracts';
import { buildPipeline, compileSigma, type DetectionResult } from '@protego/streams';
import { START_MS, declarationsOf, detectionsAmong, logOf, loggedEvent, resultsOf } from '@protego/streams/testing';
import type { ReplayRecord } from '../replay-log';
import { historyNeedOf, raisingRuleOf } from './raising-rule';
import { isSettled, sessionStartOf } from './session-start';
import { WatermarkAgreement } from './watermark-agreement';

const MEMBERS = `
title: Failed
id: failed
logsource: { category: access.sign-in-failed, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
---
title: Signed in
id: in
logsource: { category: access.signed-in, product: protego }
detection: { selection: { user.uid|exists: true }, condition: selection }
`;
const correlation = (id: string, body: string, protego = ''): string => `---
title: ${id}
id: ${id}
correlation: { ${body} }
${protego}
`;
const GROUPED = 'group-by: [user.uid], timespan: 10s';
const RULES = compileSigma([
  {
    path: 'r.yml',
    text: [
      MEMBERS,
      correlation('count', `type: event_count, rules: [failed], ${GROUPED}, condition: { gte: 3 }, generate: true`),
      correlation('few', `type: event_count, rules: [failed], ${GROUPED}, condition: { lt: 3 }, generate: true`),
      correlation('other', `type: event_count, rules: [failed], ${GROUPED}, condition: { neq: 2 }, generate: true`),
      correlation(
        'values',
        `type: value_count, rules: [failed], ${GROUPED}, condition: { field: port, gte: 2 }, generate: true`,
      ),
      correlation(
        'sum',
        `type: value_sum, rules: [failed], ${GROUPED}, condition: { field: port, gte: 5 }, generate: true`,
      ),
      correlation(
        'average',
        `type: value_avg, rules: [failed], ${GROUPED}, condition: { field: port, gte: 3 }, generate: true`,
      ),
      correlation('both', `type: temporal, rules: [failed, in], ${GROUPED}, generate: true`),
      correlation('order', `type: temporal_ordered, rules: [failed, in], ${GROUPED}, generate: true`),
      correlation(
        'quiet',
        `type: event_count, rules: [failed], ${GROUPED}, condition: { gte: 2 }, generate: true`,
        'protego: { suppress: 30s }',
      ),
      correlation(
        'chain',
        `type: event_count, rules: [count], group-by: [user.uid], timespan: 60s, condition: { gte: 2 }, generate: true`,
      ),
    ].join(''),
  },
]);
const DECLARATIONS = declarationsOf(
  [
    { name: 'ehr', idleAfterMs: 3_000 },
    { name: 'vpn', idleAfterMs: 3_000 },
  ],
  1_000,
);

/** Times in the test are short: what is settled must be reached within a history. */
const ARTEFACTS = {
  rules: RULES,
  declarations: { ...DECLARATIONS, defaults: { latenessMs: 2_000, idleAfterMs: 3_000 } },
};

const step = fc.record({
  gapMs: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 900 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 5_000 }) },
  ),
  delayMs: fc.integer({ min: 0, max: 2_500 }),
  user: fc.constantFrom('a', 'b'),
  port: fc.integer({ min: -3, max: 6 }),
  source: fc.constantFrom('ehr', 'vpn'),
  type: fc.constantFrom('access.sign-in-failed', 'access.sign-in-failed', 'access.signed-in'),
});
/** One of the feeds falls behind, step by step, and stays so. */
const backlog = fc.record({
  source: fc.constantFrom('ehr', 'vpn', undefined),
  from: fc.nat({ max: 15 }),
  growthMs: fc.integer({ min: 100, max: 700 }),
  mostMs: fc.integer({ min: 2_100, max: 9_000 }),
});

type Made<A> = A extends fc.Arbitrary<infer T> ? T : never;

function historyOf(
  steps: readonly Made<typeof step>[],
  { from, growthMs, mostMs, ...slow }: Made<typeof backlog>,
): LoggedEvent[] {
  let arrivedAtMs = START_MS;
  const behindMs = (source: string, i: number): number =>
    source === slow.source ? Math.min(mostMs, Math.max(0, i - from) * growthMs) : 0;
  return logOf(
    steps.map(({ gapMs, delayMs, user, port, source, type }, i) => {
      arrivedAtMs += gapMs;
      const timeMs = arrivedAtMs - delayMs - behindMs(source, i);
      return loggedEvent({ id: `e-${i}`, timeMs, arrivedAtMs, source, type, data: { user: { uid: user }, port } });
    }),
  );
}

const recordOf = ({ seq, timeMs, arrivedAtMs, event }: LoggedEvent): ReplayRecord => ({
  ...{ seq, timeMs, arrivedAtMs, type: event.type, body: Buffer.alloc(0) },
});

const found = (events: readonly LoggedEvent[]): { results: DetectionResult[]; held: number } => {
  const pipeline = buildPipeline(ARTEFACTS);
  const results = detectionsAmong(resultsOf(events, pipeline));
  return { results, held: pipeline.counters()['correlationsSuppressed'] ?? 0 };
};

const agreedSinceOf = (events: readonly LoggedEvent[]): number | undefined => {
  const agreement = new WatermarkAgreement(ARTEFACTS.declarations);
  for (const event of events) agreement.next(event);
  return agreement.sinceMs;
};

describe('what of the past a rule needs', () => {
  it('is all that can change what it finds: a run from a settled start finds what the run over everything found', () => {
    let settledCount = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 40, maxLength: 120, size: 'max' }),
        backlog,
        fc.nat({ max: 40 }),
        (steps, slow, at) => {
          const events = historyOf(steps, slow);
          const whole = found(events);
          const from = 1 + (at % (events.length - 1));
          const part = found(events.slice(from));
          const records = events.slice(from).map(recordOf);
          const start = sessionStartOf(records, events.length);
          const sinceMs = agreedSinceOf(events.slice(from));
          const settled = ({ detection }: DetectionResult, held: number): boolean => {
            const raising = raisingRuleOf(RULES, detection);
            if (raising === undefined) throw new Error(`no rule \`${detection.ruleId}\``);
            const need = historyNeedOf(RULES, raising, detection);
            const isSure = need.kind !== 'window' || !need.holdsBack || held === 0;
            const certainAtMs = parseRfc3339Ms(detection.certainAt) as number;
            return (
              need.kind === 'window' && isSure && isSettled(need, start, certainAtMs, sinceMs, ARTEFACTS.declarations)
            );
          };
          const inPart = part.results.filter((result) => settled(result, part.held));
          settledCount += inPart.length;
          const ids = new Set(whole.results.map(({ detection }) => detection.id));
          const invented = inPart.filter(({ detection }) => !ids.has(detection.id));
          expect(invented.map(({ detection }) => [detection.ruleId, detection.certainAt])).toEqual([]);
          const partIds = new Set(part.results.map(({ detection }) => detection.id));
          const lost = whole.results.filter((result) => settled(result, 0) && result.detection.ruleId !== 'quiet');
          expect(
            lost.filter(({ detection }) => !partIds.has(detection.id)).map(({ detection }) => detection.ruleId),
          ).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
    expect(settledCount).toBeGreaterThan(500);
  });
});
