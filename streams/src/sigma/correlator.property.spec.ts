import fc from 'fast-check';
import { jsonCopy } from '../testing';
import { conditionHolds, type MemberExpression, type SigmaCorrelation } from './correlation';
import { Correlator, type CorrelationHit, type CorrelationTrigger } from './correlator';
import { compileSigma } from './rule-set';

const SPAN_MS = 10_000;
const MEMBERS = ['a', 'b', 'c', 'd'];
const RULES = MEMBERS.map(
  (id) => `title: ${id}\nid: ${id}\nlogsource: {product: x}\ndetection: {s: {F: 1}, condition: s}\n---\n`,
).join('');

function correlationOf(type: string, condition: string, extra = ''): SigmaCorrelation {
  const body = `type: ${type}\n  rules: [${MEMBERS.join()}]\n  timespan: 10s\n  group-by: [who]`;
  const text = `${RULES}title: Tried\nid: tried\n${extra}correlation:\n  ${body}\n${condition}`;
  const { correlations, problems } = compileSigma([{ path: 'test.yml', text }]);
  expect(problems).toEqual([]);
  return correlations[0] as SigmaCorrelation;
}

interface Happened extends CorrelationHit {
  readonly timeMs: number;
  readonly seq: number;
}
type Reading = { readonly holds: boolean; readonly value: number };

/** What a window measures, made anew from all its events, by the book. */
function naive(correlation: SigmaCorrelation, window: readonly Happened[], asking: Happened): Reading {
  const { type, condition, percentile } = correlation;
  if (window.length === 0) return { holds: false, value: 0 };
  const numbers = window.map(({ value }) => value as number);
  // Values are halves: sums of them are exact.
  const sum = numbers.reduce((total, value) => total + value, 0);
  const sorted = numbers.toSorted((x, y) => x - y);
  const at = (index: number): number => sorted[index] as number;
  const by = (value: number): Reading => ({ holds: conditionHolds(condition, (bound) => value - bound), value });
  switch (type) {
    case 'event_count':
      return by(window.length);
    case 'value_count':
      return by(new Set(window.map(({ value }) => value)).size);
    case 'value_sum':
      return by(sum);
    case 'value_avg':
      return { ...by(sum / window.length), holds: conditionHolds(condition, (bound) => sum - bound * window.length) };
    case 'value_median':
      return by((at(Math.floor((sorted.length - 1) / 2)) + at(Math.floor(sorted.length / 2))) / 2);
    case 'value_percentile': {
      if (percentile !== undefined)
        return by(sorted.find((_, i) => (i + 1) / sorted.length >= percentile / 100) as number);
      const held = window.filter(({ value }) => value === asking.value).length;
      return held === 0 ? { holds: false, value: 0 } : by((100 * held) / window.length);
    }
    case 'temporal':
    case 'temporal_ordered':
      return naiveTemporal(correlation, window);
  }
}

/** Every choice of rules that may have matched. */
const CHOICES = Array.from({ length: 15 }, (_, n) =>
  MEMBERS.flatMap((_name, member) => ((n + 1) & (1 << member) ? [member] : [])),
);

function naiveTemporal({ type, condition, memberCondition }: SigmaCorrelation, window: readonly Happened[]): Reading {
  const seen = new Set(window.flatMap(({ members }) => members));
  const isIn = (chosen: readonly number[]): boolean => {
    if (type === 'temporal') return chosen.every((member) => seen.has(member));
    let sinceMs = Number.NEGATIVE_INFINITY;
    return chosen.every((member) => {
      const next = window.find(({ timeMs, members }) => timeMs >= sinceMs && members.includes(member));
      sinceMs = next?.timeMs ?? 0;
      return next !== undefined;
    });
  };
  const longest = Math.max(0, ...CHOICES.filter(isIn).map(({ length }) => length));
  if (memberCondition === undefined)
    return { holds: longest > 0 && conditionHolds(condition, (bound) => longest - bound), value: longest };
  // A rule that matched may be left out of the order, but not be said to be absent.
  const truth = (expression: MemberExpression, chosen: readonly number[], isNegated: boolean): boolean => {
    if (expression.kind === 'member')
      return isNegated ? !seen.has(expression.member) : chosen.includes(expression.member);
    if (expression.kind === 'not') return truth(expression.operand, chosen, !isNegated);
    const isAll = (expression.kind === 'and') !== isNegated;
    const results = expression.operands.map((operand) => truth(operand, chosen, isNegated));
    return isAll ? results.every(Boolean) : results.some(Boolean);
  };
  return { holds: CHOICES.some((chosen) => isIn(chosen) && truth(memberCondition, chosen, false)), value: longest };
}

function naiveRun(correlation: SigmaCorrelation, trigger: CorrelationTrigger, history: readonly Happened[]): string[] {
  const reported = new Set<string>();
  const raisedMs = new Map<string, number>();
  return history.flatMap((now, index) => {
    const earlier = history.slice(0, index).filter(({ key }) => key === now.key);
    const within = (events: readonly Happened[], nowMs: number) =>
      events.filter(({ timeMs }) => nowMs - timeMs < SPAN_MS);
    const isShare = correlation.type === 'value_percentile' && correlation.percentile === undefined;
    const subject = isShare ? `${now.key} ${now.value}` : now.key;
    // Just before the event: at the instant before, unless another one of the same instant came already.
    const beforeMs = earlier.at(-1)?.timeMs === now.timeMs ? now.timeMs : now.timeMs - 1;
    if (!naive(correlation, within(earlier, beforeMs), now).holds) reported.delete(subject);
    const window = within([...earlier, now], now.timeMs);
    const { holds, value } = naive(correlation, window, now);
    if (!holds) {
      reported.delete(subject);
      return [];
    }
    const isNew = !reported.has(subject);
    reported.add(subject);
    if (!isNew && trigger === 'crossing') return [];
    if (now.timeMs - (raisedMs.get(now.key) ?? Number.NEGATIVE_INFINITY) < correlation.suppressMs) return [];
    raisedMs.set(now.key, now.timeMs);
    const events = isShare ? window.filter((event) => event.value === now.value) : window;
    const told = correlation.memberCondition === undefined ? value : '*';
    return [`${now.seq} ${told} ${events.map(({ seq }) => seq).join()}`];
  });
}

function run(correlator: Correlator, history: readonly Happened[]): string[] {
  return history.flatMap((hit) => {
    const firing = correlator.step(hit, hit.timeMs, [hit.seq, 'ehr', String(hit.seq)]);
    if (firing?.isRaised !== true) return [];
    const told = correlator.correlation.memberCondition === undefined ? firing.value : '*';
    return [
      `${hit.seq} ${told} ${firing
        .events()
        .map(({ ref }) => ref[0])
        .join()}`,
    ];
  });
}

const SUPPRESS = 'protego: {suppress: 15s}\n';
const CASES: readonly (readonly [string, SigmaCorrelation])[] = [
  ['event_count', '{gte: 3}'],
  ['event_count', '{gt: 1, lt: 4}'],
  ['event_count', '{neq: 2}'],
  ['value_count', '{field: f, gte: 3}'],
  ['value_count', '{field: f, lte: 2}'],
  ['value_sum', '{field: f, gt: 4}'],
  ['value_sum', '{field: f, gte: -1, lt: 2.5}'],
  ['value_avg', '{field: f, gt: 0.5}'],
  ['value_avg', '{field: f, eq: 1}'],
  ['value_median', '{field: f, gte: 0.75}'],
  ['value_median', '{field: f, lt: 0}'],
  ['value_percentile', '{field: f, percentile: 90, gte: 2}'],
  ['value_percentile', '{field: f, percentile: 33.3, lt: 0.5}'],
  ['value_percentile', '{field: f, lte: 25}'],
  ['value_percentile', '{field: f, gt: 50}'],
  ['temporal', '{gte: 3}'],
  ['temporal', '{eq: 2}'],
  ['temporal', 'a and (b or not c) and not d'],
  ['temporal_ordered', '{gte: 4}'],
  ['temporal_ordered', '{gte: 2, lt: 4}'],
  ['temporal_ordered', 'a and b and c and not d'],
  ['temporal_ordered', '(a or b) and d or c and not (a or d)'],
].flatMap(([type = '', condition = '']) =>
  ['', SUPPRESS].map((extra): [string, SigmaCorrelation] => [
    `${type} ${condition}${extra === '' ? '' : ', held back'}`,
    correlationOf(type, `  condition: ${condition}\n`, extra),
  ]),
);

const HISTORY = fc
  .array(
    fc.record({
      gapMs: fc.oneof(fc.constantFrom(0, 1, 5_000, 9_999, 10_000), fc.nat(6_000), fc.nat(1_000), fc.nat(1_000)),
      key: fc.constantFrom('["x"]', '["x"]', '["x"]', '["y"]'),
      half: fc.integer({ min: -4, max: 6 }),
      members: fc.subarray([0, 1, 2, 3], { minLength: 1, maxLength: 2 }),
    }),
    { maxLength: 40 },
  )
  .map((steps) => {
    let timeMs = 0;
    return steps.map(({ gapMs, half, ...hit }, seq): Happened => ({
      ...hit,
      value: half / 2,
      seq,
      timeMs: (timeMs += gapMs),
    }));
  });

describe('Correlator', () => {
  it.each(CASES)('measures %s as one that looks at every event of the window anew', (_, correlation) => {
    let raised = 0;
    fc.assert(
      fc.property(HISTORY, fc.constantFrom<CorrelationTrigger>('every', 'crossing'), (history, trigger) => {
        const expected = naiveRun(correlation, trigger, history);
        raised += expected.length;
        expect(run(new Correlator(correlation, trigger), history)).toEqual(expected);
        // Groups that are over are forgotten at once, as they are where there are many of them.
        expect(run(new Correlator(correlation, trigger, { siftKeysMin: 1 }), history)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
    expect(raised).toBeGreaterThan(5);
  });

  it.each(CASES)('goes on with %s from a snapshot at any place as if it had never stopped', (_, correlation) => {
    fc.assert(
      fc.property(HISTORY, fc.nat(40), (history, at) => {
        const place = Math.min(at, history.length);
        const first = new Correlator(correlation, 'crossing');
        const before = run(first, history.slice(0, place));
        const second = new Correlator(correlation, 'crossing');
        second.restore(jsonCopy(first.snapshot()));
        const whole = new Correlator(correlation, 'crossing');
        expect([...before, ...run(second, history.slice(place))]).toEqual(run(whole, history));
        expect(second.snapshot()).toEqual(whole.snapshot());
      }),
      { numRuns: 60 },
    );
  });
});
