import type { EventSeq, LoggedEvent } from '@protego/contracts';
import { compileSigma } from '@protego/streams';
import { SilentCoverage, silentDocumentsOf } from './rule-coverage';
import { watchedRulesOf } from './watched-rules';

const START_MS = Date.parse('2026-03-02T07:00:00Z');

const rule = (name: string, type: string, rest = ''): string =>
  `title: ${name}\nid: ${name}\nname: ${name}\nlogsource: { product: protego, category: ${type} }\ndetection: { s: { event.site: h }, condition: s }\n${rest}`;
const correlation = (name: string, rules: string, type: string, condition: string): string =>
  `title: ${name}\nid: ${name}\nname: ${name}\ncorrelation:\n  type: ${type}\n  rules: [${rules}]\n  group-by: [user.uid]\n  timespan: 10m\n  condition: ${condition}\n`;

const RULES = [
  rule('alone', 'access.session-ended', 'protego: { budget: 2 }\n'),
  rule('failed', 'access.sign-in-failed'),
  rule('signed_in', 'access.signed-in'),
  correlation('thrice', 'failed', 'event_count', '{ gte: 3 }'),
  correlation('broken_in', 'thrice, signed_in', 'temporal_ordered', '{ gte: 2 }'),
];
const SET = compileSigma([{ path: 'r.yml', text: RULES.join('---\n') }]);

function event(seq: number, type: string, minutes: number, uid = 'p-1'): LoggedEvent {
  const timeMs = START_MS + minutes * 60_000;
  const time = new Date(timeMs).toISOString();
  return {
    seq: seq as EventSeq,
    timeMs,
    arrivedAtMs: timeMs + 100,
    event: { specversion: '1.0', id: String(seq), source: 's', type, time, site: 'h', data: { user: { uid } } },
  };
}

const firedAfter = (events: readonly LoggedEvent[], known: readonly string[] = []): string[] => {
  const coverage = new SilentCoverage(SET, new Set(known));
  for (const each of events) coverage.see(each);
  return coverage.fired().sort();
};

describe('SilentCoverage', () => {
  it('watches what raises nothing of its own', () => {
    expect(SET.problems).toEqual([]);
    expect(silentDocumentsOf(SET).map(({ id }) => id)).toEqual(['failed', 'thrice', 'signed_in']);
  });

  it('tells of rules that matched and of correlations that fired, and of no others', () => {
    const failed = [0, 1, 2].map((n) => event(n, 'access.sign-in-failed', n));
    expect(firedAfter([])).toEqual([]);
    expect(firedAfter(failed.slice(0, 2))).toEqual(['failed']);
    expect(firedAfter(failed)).toEqual(['failed', 'thrice']);
    expect(firedAfter([event(0, 'access.signed-in', 0), event(1, 'access.session-ended', 1)])).toEqual(['signed_in']);
  });

  it('keeps windows and groups as the pipeline does, also where events come in another order', () => {
    const apart = [0, 6, 12].map((minutes, n) => event(n, 'access.sign-in-failed', minutes));
    expect(firedAfter(apart)).toEqual(['failed']);
    const others = [0, 1, 2].map((n) => event(n, 'access.sign-in-failed', n, `p-${n}`));
    expect(firedAfter(others)).toEqual(['failed']);
    const [a, b, c] = [0, 1, 2].map((n) => event(n, 'access.sign-in-failed', n / 10)) as [
      LoggedEvent,
      LoggedEvent,
      LoggedEvent,
    ];
    expect(firedAfter([c, a, b])).toEqual(['failed', 'thrice']);
  });

  it('leaves out what is known to have fired', () => {
    const failed = [0, 1, 2].map((n) => event(n, 'access.sign-in-failed', n));
    expect(firedAfter(failed, ['failed'])).toEqual(['thrice']);
    expect(firedAfter(failed, ['failed', 'thrice', 'signed_in'])).toEqual([]);
  });
});

describe('watchedRulesOf', () => {
  it('names rules, correlations and detectors with their budgets', () => {
    const watched = watchedRulesOf(SET);
    expect(watched.slice(0, 5)).toEqual([
      { id: 'alone', name: 'alone', kind: 'rule', raises: true, budgetPerWardWeek: 2 },
      { id: 'failed', name: 'failed', kind: 'rule', raises: false, budgetPerWardWeek: 0.5 },
      { id: 'signed_in', name: 'signed_in', kind: 'rule', raises: false, budgetPerWardWeek: 0.5 },
      { id: 'thrice', name: 'thrice', kind: 'correlation', raises: false, budgetPerWardWeek: 0.5 },
      { id: 'broken_in', name: 'broken_in', kind: 'correlation', raises: true, budgetPerWardWeek: 0.5 },
    ]);
    expect(watched.find(({ id }) => id === 'beaconing')).toMatchObject({ kind: 'detector', raises: true });
  });
});
