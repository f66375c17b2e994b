import { canonicalJson, type EventSeq, type LoggedEvent } from '@protego/contracts';
import fc from 'fast-check';
import { buildPipeline, type Pipeline, type PipelineSnapshot } from './pipeline';
import type { PipelineResult } from './result';
import { compileSigma } from './sigma';
import { START_MS, collect, declarationsOf, detectionsAmong, jsonCopy, logOf, loggedEvent, tickEvent } from './testing';

const RULE = (id: string, type: string): string =>
  `title: ${id}\nid: ${id}\nlogsource: {category: ${type}, product: protego}\ndetection: {s: {user.uid|exists: true}, condition: s}\n`;
const CORRELATION = (id: string, body: string): string =>
  `title: ${id}\nid: ${id}\ncorrelation: {timespan: 10s, group-by: [user.uid], ${body}}\n`;
const MEASURED = 'rules: [fail, signin], generate: true';
/** A correlation of every type, alone and over others. */
const PACK = [
  RULE('fail', 'access.sign-in-failed'),
  RULE('signin', 'access.signed-in'),
  RULE('privilege', 'access.privilege-changed'),
  CORRELATION('events', `type: event_count, ${MEASURED}, condition: {gte: 3}`),
  CORRELATION('values', `type: value_count, ${MEASURED}, condition: {field: [n, m], gte: 3}`),
  CORRELATION('sum', `type: value_sum, ${MEASURED}, condition: {field: n, gt: 1.2}`),
  CORRELATION('mean', `type: value_avg, ${MEASURED}, condition: {field: n, gt: 0.3, lt: 0.7}`),
  CORRELATION('median', `type: value_median, ${MEASURED}, condition: {field: n, gte: 0.3}`),
  CORRELATION('p90', `type: value_percentile, ${MEASURED}, condition: {field: n, percentile: 90, gte: 0.5}`),
  CORRELATION('rare', `type: value_percentile, ${MEASURED}, condition: {field: m, lte: 30}`),
  CORRELATION(
    'together',
    'type: temporal, rules: [fail, signin, privilege], generate: true, condition: fail and not privilege',
  ),
  CORRELATION('in-order', 'type: temporal_ordered, rules: [events, signin, privilege], generate: true'),
  CORRELATION('two-of', 'type: temporal_ordered, rules: [fail, signin, privilege], generate: true, condition: {eq: 2}'),
  `title: often\nid: often\nprotego: {suppress: 20s}\ncorrelation: {type: event_count, rules: [events, in-order], timespan: 1m, condition: {gte: 2}, generate: true}\n`,
  'title: not him\nid: not-him\nlogsource: {product: protego}\nfilter: {rules: any, s: {user.uid: admin}, condition: not s}\n',
].join('---\n');
const ARTEFACTS = {
  rules: compileSigma([{ path: 'pack.yml', text: PACK }]),
  declarations: declarationsOf([{ name: 'ehr' }, { name: 'vpn' }]),
};
const TYPES = ['access.sign-in-failed', 'access.signed-in', 'access.privilege-changed'] as const;

interface Happening {
  readonly gapMs: number;
  readonly type: (typeof TYPES)[number];
  readonly source: string;
  readonly user: string;
  readonly n: number | string;
  readonly m: string;
  readonly delaysMs: readonly [number, number];
}

const HAPPENINGS: fc.Arbitrary<readonly Happening[]> = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.constantFrom(0, 1, 9_999, 10_000), fc.nat(4_000), fc.nat(400)),
    type: fc.constantFrom(...TYPES, TYPES[0]),
    source: fc.constantFrom('ehr', 'vpn'),
    user: fc.constantFrom('anna', 'anna', 'bo', 'admin'),
    n: fc.constantFrom(0.1, 0.2, '0.7', -0.3, 'none'),
    m: fc.constantFrom('x', 'x', 'x', 'y', 'z'),
    delaysMs: fc.tuple(fc.nat(2_000), fc.nat(2_000)),
  }),
  { maxLength: 40 },
);

const happening = (type: Happening['type'], gapMs: number, m: string, n: Happening['n'] = '0.7'): Happening => ({
  gapMs,
  type,
  source: 'ehr',
  user: 'anna',
  n,
  m,
  delaysMs: [gapMs, 0],
});
const [FAIL, SIGN_IN, PRIVILEGE] = TYPES;
/** On it every rule and every correlation is raised; of random histories the rare ones may miss some. */
const RAISES_ALL: readonly Happening[] = [
  ...['x', 'x', 'x', 'x', 'y', 'z'].map((m, at) => happening(FAIL, 100 + at, m)),
  happening(SIGN_IN, 500, 'x', 0.1),
  happening(PRIVILEGE, 600, 'x'),
  ...['x', 'y', 'z'].map((m) => happening(FAIL, 700, m, -0.3)),
];

/** The happenings as they arrive with one or the other of their delays, all within the lateness, and time to end. */
function historyOf(all: readonly Happening[], which: 0 | 1): LoggedEvent[] {
  let timeMs = START_MS;
  const events = all.map(({ gapMs, type, source, user, n, m, delaysMs }, i) => {
    timeMs += gapMs;
    const data = { user: { uid: user }, n, m };
    return loggedEvent({ id: `e${i}`, timeMs, arrivedAtMs: timeMs + delaysMs[which], source, type, data });
  });
  const log = logOf(events.sort((a, b) => a.arrivedAtMs - b.arrivedAtMs));
  return [...log, { ...tickEvent(timeMs + 3_600_000), seq: log.length as EventSeq }];
}

const resultsOf = (events: readonly LoggedEvent[], pipeline: Pipeline): PipelineResult[] =>
  collect(pipeline.results, events);
const pipelineOf = (snapshot?: PipelineSnapshot): Pipeline => buildPipeline(ARTEFACTS, snapshot);
const contentsOf = (results: readonly PipelineResult[]): string[] =>
  detectionsAmong(results)
    .map(({ detection }) => canonicalJson(detection))
    .sort();
const mistimedOf = (results: readonly PipelineResult[]): string[] =>
  results.flatMap((result) => (result.kind === 'late' ? [result.event.event.id] : [])).sort();

describe('correlations of every type', () => {
  it('compile together', () => {
    expect([ARTEFACTS.rules.problems, ARTEFACTS.rules.correlations.length]).toEqual([[], 11]);
  });

  it('find the same in whatever order events arrive within the lateness, and nothing that a filter leaves out', () => {
    const raised = new Map<string, number>();
    fc.assert(
      fc.property(HAPPENINGS, (all) => {
        const [one, two] = ([0, 1] as const).map((which) => resultsOf(historyOf(all, which), pipelineOf())) as [
          PipelineResult[],
          PipelineResult[],
        ];
        fc.pre(canonicalJson(mistimedOf(one)) === canonicalJson(mistimedOf(two)));
        expect(contentsOf(one)).toEqual(contentsOf(two));
        for (const { detection } of detectionsAmong(one)) {
          raised.set(detection.ruleId, (raised.get(detection.ruleId) ?? 0) + 1);
          expect(canonicalJson(detection)).not.toContain('admin');
        }
      }),
      { numRuns: 200, examples: [[RAISES_ALL]] },
    );
    // The property would say little of a correlation that is never raised.
    expect([...raised.keys()].sort()).toEqual(
      [...ARTEFACTS.rules.rules, ...ARTEFACTS.rules.correlations].map(({ id }) => id).sort(),
    );
  });

  it('go on from a snapshot at any place as if they had never stopped', () => {
    fc.assert(
      fc.property(HAPPENINGS, fc.nat(40), (all, at) => {
        const log = historyOf(all, 0);
        const whole = pipelineOf();
        const expected = contentsOf(resultsOf(log, whole));
        const first = pipelineOf();
        const before = resultsOf(log.slice(0, at), first);
        const second = pipelineOf(jsonCopy(first.snapshot()));
        const after = resultsOf(log.slice(at), second);
        expect(contentsOf([...before, ...after])).toEqual(expected);
        expect(jsonCopy(second.snapshot())).toEqual(jsonCopy(whole.snapshot()));
      }),
      { numRuns: 100 },
    );
  });
});
