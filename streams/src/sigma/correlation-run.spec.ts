import { growthOf } from '@protego/contracts/testing';
import { CorrelationPlan } from './correlation-plan';
import { CorrelationRun } from './correlation-run';
import type { CorrelationBounds } from './correlation-window';
import type { CorrelationTrigger } from './correlator';
import { SigmaMatcher } from './matcher';
import { compileSigma } from './rule-set';

const RULE = (id: string): string =>
  `title: ${id}\nid: ${id}\nlogsource: {product: x}\ndetection: {s: {kinds: ${id}}, condition: s}\n`;
const CORRELATION = (id: string, body: string): string =>
  `title: ${id}\nid: ${id}\ncorrelation: {timespan: 10s, ${body}}\n`;

interface Options extends CorrelationBounds {
  readonly trigger?: CorrelationTrigger;
}
type Event = Record<string, unknown> & { readonly atMs: number; readonly kinds: string | readonly string[] };

/** Steps events through correlations over the rules `fail`, `ok` and `read`; an event matches the rules of its kinds. */
class Tried {
  readonly run: CorrelationRun;
  readonly plan: CorrelationPlan;
  readonly #matcher: SigmaMatcher;
  #seq = 0;

  constructor(correlations: Readonly<Record<string, string>>, { trigger = 'crossing', ...bounds }: Options = {}) {
    const texts = Object.entries(correlations).map(([id, body]) => CORRELATION(id, body));
    const set = compileSigma([{ path: 'x.yml', text: ['fail', 'ok', 'read'].map(RULE).concat(texts).join('---\n') }]);
    expect(set.problems).toEqual([]);
    this.#matcher = new SigmaMatcher(set.rules, { ignoreLogsource: true });
    this.plan = new CorrelationPlan(set.linked, () => []);
    this.run = new CorrelationRun(this.plan, trigger, bounds);
  }

  step({ atMs, ...data }: Event): string[] {
    const record = { type: null, data };
    const rules = this.#matcher.match(record).map(({ rule }) => rule);
    const seq = this.#seq++;
    const hits = this.plan.hitsOf(
      rules,
      record,
      (text) => text,
      () => false,
    );
    return this.run
      .step(hits, atMs, [seq, 'ehr', String(seq).padStart(6, '0')])
      .map(({ correlation, firing, events }) => {
        const seqs = events.map(({ ref }) => ref[0]);
        return `${correlation.id} ${Object.values(firing.group).join()} ${firing.value} [${seqs.join()}]`;
      });
  }

  all(events: readonly Event[]): string[] {
    return events.flatMap((event) => this.step(event));
  }
}

const at = (atMs: number, kinds: Event['kinds'], data: Record<string, unknown> = {}): Event => ({
  atMs,
  kinds,
  ...data,
});
const FAILS = 'type: event_count, rules: [fail], group-by: [host], condition: {gte: 3}';
const SEQUENCE = `type: temporal_ordered, rules: [fails, ok], group-by: [user]`;

describe('CorrelationRun', () => {
  const attack = [0, 1, 2].map((atMs) => at(atMs, 'fail', { host: 'h', user: 'anna' }));

  it('finds many failures followed by a success of the same user, whatever the failures are grouped by', () => {
    const tried = new Tried({ fails: FAILS, attack: SEQUENCE });
    expect(tried.all([...attack, at(500, 'ok', { user: 'bo' }), at(600, 'ok', { user: 'anna' })])).toEqual([
      'attack anna 2 [0,1,2,4]',
    ]);
  });

  it('tells of a correlation that another takes only with `generate`', () => {
    const tried = new Tried({ fails: FAILS, attack: `${SEQUENCE}, generate: true` });
    expect(tried.all([...attack, at(600, 'ok', { user: 'anna' })])).toEqual([
      'fails h 3 [0,1,2]',
      'attack anna 2 [0,1,2,3]',
    ]);
  });

  it('gives a temporal correlation all the time in which one below it held, and a count each time that it began to', () => {
    const steady = Array.from({ length: 40 }, (_, n) => at(1_000 * n, 'fail', { host: 'h', user: 'anna' }));
    const count = 'type: event_count, rules: [fails], condition: {gte: 2}';
    const tried = new Tried({ fails: FAILS, attack: SEQUENCE, often: count });
    expect(tried.all(steady)).toEqual([]);
    // The failures began to be many long before the time span, and went on to be.
    const [told] = tried.all([at(39_500, 'ok', { user: 'anna' })]);
    expect(told).toMatch(/^attack anna 2 \[.*39,40\]$/);
    const twice = new Tried({ fails: FAILS.replace('gte: 3', 'gte: 1'), often: `timespan: 1h, ${count}`.slice(14) });
    expect(
      twice.all([at(0, 'fail', { host: 'a' }), at(1, 'fail', { host: 'a' }), at(2, 'fail', { host: 'b' })]),
    ).toEqual(['often  2 [0,2]']);
  });

  it('names each contributing event once, in order, however many firings rest on it', () => {
    const steady = Array.from({ length: 5 }, (_, n) => at(1_000 * n, 'fail', { host: 'h', user: 'anna' }));
    const tried = new Tried({ fails: FAILS, attack: SEQUENCE });
    expect(tried.all([...steady, at(5_000, 'ok', { user: 'anna' })])).toEqual(['attack anna 2 [0,1,2,3,4,5]']);
  });

  it('chains through several levels, each with its own group', () => {
    const tried = new Tried({
      top: 'type: value_count, rules: [middle], condition: {field: user, gte: 2}',
      middle: 'type: event_count, rules: [low], group-by: [user], condition: {gte: 1}',
      low: 'type: event_count, rules: [fail], group-by: [host], condition: {gte: 2}',
    });
    const events = ['anna', 'anna', 'bo', 'bo'].map((user, n) => at(n, 'fail', { host: user, user }));
    expect(tried.all(events)).toEqual(['top  2 [0,1,2,3]']);
  });

  it('counts what one event completes once, beside the event itself too', () => {
    const tried = new Tried({
      ones: 'type: event_count, rules: [fail], condition: {gte: 1}',
      reads: 'type: event_count, rules: [read], condition: {gte: 1}',
      many: 'type: event_count, rules: [ones, reads, ok], condition: {gte: 2}',
      both: 'type: temporal, rules: [ones, reads]',
    });
    expect(tried.all([at(0, ['fail', 'read', 'ok'])])).toEqual(['both  2 [0]']);
    expect(tried.all([at(1, 'ok')])).toEqual(['many  2 [0,1]']);
  });

  it('takes matches of one instant as being in order, and of none before', () => {
    const ordered = { o: 'type: temporal_ordered, rules: [fail, ok]' };
    expect(new Tried(ordered).all([at(5, 'ok'), at(5, 'fail')])).toEqual(['o  2 [0,1]']);
    expect(new Tried(ordered).all([at(5, 'ok'), at(6, 'fail')])).toEqual([]);
    expect(new Tried(ordered).all([at(5, ['ok', 'fail'])])).toEqual(['o  2 [0]']);
  });

  it.each([
    ['fail and not ok', ['o  1 [0]'], []],
    ['ok or fail and read', [], ['o  1 [1]']],
  ])('asks at each event whether %s held in the time span before it', (condition, first, second) => {
    const o = `type: temporal, rules: [fail, ok${condition.includes('read') ? ', read' : ''}], condition: ${condition}`;
    const tried = new Tried({ o }, { trigger: 'every' });
    expect(tried.step(at(0, 'fail'))).toEqual(first);
    expect(tried.step(at(10_000, 'ok'))).toEqual(second);
  });

  it('sees what is less than the time span apart, and nothing that is exactly so', () => {
    for (const type of ['temporal', 'temporal_ordered']) {
      const both = { o: `type: ${type}, rules: [fail, ok]` };
      expect(new Tried(both).all([at(0, 'fail'), at(9_999, 'ok')])).toEqual(['o  2 [0,1]']);
      expect(new Tried(both).all([at(0, 'fail'), at(10_000, 'ok')])).toEqual([]);
    }
    const sum = { o: 'type: value_sum, rules: [fail], condition: {field: bytes, gt: 1000}' };
    const big = (atMs: number): Event => at(atMs, 'fail', { bytes: 600 });
    expect(new Tried(sum).all([big(0), big(9_999)])).toEqual(['o  1200 [0,1]']);
    expect(new Tried(sum).all([big(0), big(10_000)])).toEqual([]);
  });

  it('compares sums and means as the numbers are written', () => {
    const tried = new Tried({
      sum: 'type: value_sum, rules: [fail], condition: {field: v, eq: 0.3}',
      mean: 'type: value_avg, rules: [fail], condition: {field: v, gte: 0.15}',
      median: 'type: value_median, rules: [fail], condition: {field: v, eq: 0.15}',
    });
    expect(tried.all([at(0, 'fail', { v: 0.1 }), at(1, 'fail', { v: '0.2' })])).toEqual([
      'sum  0.3 [0,1]',
      'mean  0.15 [0,1]',
      'median  0.15 [0,1]',
    ]);
  });

  it('takes the nearest rank for a percentile: the least value that so many do not exceed', () => {
    const values = [15, 20, 35, 40, 50];
    const ranked = (percentile: number): string =>
      new Tried(
        { p: `type: value_percentile, rules: [fail], condition: {field: v, percentile: ${percentile}, gte: 0}` },
        { trigger: 'every' },
      )
        .all(values.map((v, n) => at(n, 'fail', { v })))
        .at(-1) as string;
    expect([5, 30, 40, 50, 99.9, 100].map((p) => ranked(p).split(' ')[2])).toEqual([
      '15',
      '20',
      '20',
      '35',
      '50',
      '50',
    ]);
  });

  it('tells of each value that is rare where no percentile is given, with the events that hold it', () => {
    const rare = { rare: 'type: value_percentile, rules: [fail], condition: {field: image, lte: 5}' };
    const usual = Array.from({ length: 60 }, (_, n) => at(n, 'fail', { image: 'usual' }));
    const tried = new Tried(rare);
    expect(tried.all(usual)).toEqual([]);
    const odd = ['a', 'b', 'a', 'a', 'usual'].map((image, n) => at(100 + n, 'fail', { image }));
    expect(tried.all(odd)).toEqual(['rare  1.639344262295082 [60]', 'rare  1.6129032258064515 [61]']);
  });

  it('holds back what comes so soon after the last one of the group, and counts it', () => {
    const tried = new Tried({ c: 'type: event_count, rules: [fail], group-by: [host], condition: {gte: 1}' });
    const text = `${RULE('fail')}---\n${CORRELATION('c', 'type: event_count, rules: [fail], group-by: [host], condition: {gte: 1}')}protego: {suppress: 1m}\n`;
    const held = compileSigma([{ path: 'x.yml', text }]);
    expect(held.correlations[0]?.suppressMs).toBe(60_000);
    const run = new CorrelationRun(new CorrelationPlan(held.linked, () => []), 'crossing');
    const hit = (host: string) => [{ correlation: 0, key: `["${host}"]`, value: null, members: [], texts: [] }];
    const toldAt = (host: string, ...timesMs: readonly number[]): number[] =>
      timesMs.filter((timeMs) => run.step(hit(host), timeMs, [timeMs, 'ehr', String(timeMs)]).length > 0);
    expect(toldAt('a', 0, 20_000, 40_000, 59_999)).toEqual([0]);
    expect(toldAt('b', 60_000)).toEqual([60_000]);
    // What was held back is told no later; only when the condition became true anew.
    expect(toldAt('a', 69_999)).toEqual([]);
    expect(toldAt('a', 80_000)).toEqual([80_000]);
    expect(run.counters()).toMatchObject({ correlationsSuppressed: 3 });
    expect(tried.run.counters()).toMatchObject({ correlationsSuppressed: 0 });
  });
});

describe('the bounds of CorrelationRun', () => {
  const one = (id: number): Event => at(id, 'fail', { host: `h${id}`, v: id });

  it('keep the groups touched last, and count only what was lost', () => {
    const tried = new Tried({ c: FAILS }, { keysMax: 10 });
    tried.all(Array.from({ length: 50 }, (_, n) => one(n)));
    expect(tried.run.counters()).toMatchObject({
      correlationKeys: 10,
      correlationEntries: 10,
      correlationKeysEvicted: 40,
      correlationEntriesEvicted: 40,
    });
    tried.all(Array.from({ length: 50 }, (_, n) => one(100_000 + 20_000 * n)));
    expect(tried.run.counters()).toMatchObject({ correlationKeys: 10, correlationKeysEvicted: 40 });
  });

  it('hold over all groups together', () => {
    const tried = new Tried({ c: FAILS }, { allEntriesMax: 20 });
    tried.all(Array.from({ length: 100 }, (_, n) => at(n, 'fail', { host: `h${n % 40}` })));
    const { correlationEntries, correlationEntriesEvicted } = tried.run.counters();
    expect(correlationEntries).toBe(20);
    expect(correlationEntriesEvicted).toBe(80);
  });

  it('do not let a flood of one rule push another out, nor one of a value', () => {
    const flood = Array.from({ length: 100 }, (_, n) => at(1 + n, 'fail', { v: 'x' }));
    const ordered = new Tried({ o: 'type: temporal_ordered, rules: [ok, fail, read]' }, { entriesMax: 5 });
    expect(ordered.all([at(0, 'ok'), ...flood, at(200, 'read')])).toEqual(['o  3 [0,97,98,99,100,101]']);
    const values = new Tried(
      { c: 'type: value_count, rules: [ok, fail], condition: {field: v, gte: 3}' },
      { entriesMax: 5 },
    );
    const first = [at(0, 'ok', { v: 'a' }), at(0, 'ok', { v: 'b' })];
    expect(values.all([...first, ...flood])).toEqual(['c  3 [0,1,2]']);
    const { correlationEntries, correlationEntriesEvicted } = values.run.counters();
    expect(correlationEntries).toBeLessThanOrEqual(6);
    expect((correlationEntries ?? 0) + (correlationEntriesEvicted ?? 0)).toBe(102);
  });

  it('forget what was sifted out as if it had left by itself', () => {
    const few = { c: 'type: value_count, rules: [fail], condition: {field: v, eq: 1}' };
    const tried = new Tried(few, { entriesMax: 5, trigger: 'every' });
    tried.all([at(0, 'fail', { v: 'a' }), ...Array.from({ length: 100 }, (_, n) => at(1 + n, 'fail', { v: 'x' }))]);
    expect(tried.all([at(20_000, 'fail', { v: 'z' })])).toEqual(['c  1 [101]']);
    const members = { o: 'type: temporal, rules: [fail, ok], condition: ok and not fail' };
    const ordered = new Tried(members, { entriesMax: 5, trigger: 'every' });
    ordered.all(Array.from({ length: 100 }, (_, n) => at(n, 'fail')));
    expect(ordered.all([at(20_000, 'ok')])).toEqual(['o  1 [100]']);
  });

  it('let go the oldest where every event counts', () => {
    const sum = new Tried({ s: 'type: value_sum, rules: [fail], condition: {field: v, gte: 12}' }, { entriesMax: 3 });
    expect(sum.all(Array.from({ length: 6 }, (_, n) => one(n)))).toEqual(['s  12 [3,4,5]']);
    expect(sum.run.counters()).toMatchObject({ correlationEntries: 3, correlationEntriesEvicted: 3 });
  });

  it.each([
    'type: value_sum, rules: [fail], condition: {field: v, lt: 0}',
    'type: value_avg, rules: [fail], condition: {field: v, lt: 0}',
    'type: value_median, rules: [fail], condition: {field: v, lt: 0}',
    'type: value_percentile, rules: [fail], condition: {field: v, percentile: 95, lt: 0}',
    'type: value_percentile, rules: [fail], condition: {field: v, lt: 0.001}',
    'type: value_count, rules: [fail], condition: {field: v, gte: 10000}',
    'type: temporal_ordered, rules: [fail, ok, read]',
    'type: temporal_ordered, rules: [fail, ok, read], condition: {eq: 2}',
  ])('grow no faster than the events in the window with %s', (body) => {
    const { plan } = new Tried({ c: body });
    const tried = (events: number) => {
      const members = body.includes('temporal') ? [0] : [];
      return (): void => {
        const run = new CorrelationRun(plan, 'every');
        for (let n = 0; n < events; n++) {
          const value = body.includes('field')
            ? body.includes('value_count')
              ? String(n)
              : (n * 7_919) % events
            : null;
          const hit = { correlation: 0, key: '[]', value, members, texts: [] };
          run.step([hit], n, [n, 'ehr', String(n)]);
        }
      };
    };
    expect(growthOf(tried, 8_000)).toBeLessThan(3.2);
  });

  it('sift a full window now and then only, when a flood comes on top of almost as many values as it holds', () => {
    const { plan } = new Tried({ c: 'type: value_count, rules: [fail], condition: {field: v, lt: 2}' });
    const tried = (events: number) => (): void => {
      const entriesMax = events >> 2;
      const run = new CorrelationRun(plan, 'every', { entriesMax });
      for (let n = 0; n < events; n++) {
        const hit = { correlation: 0, key: '[]', value: n < entriesMax ? `v${n}` : 'x', members: [], texts: [] };
        run.step([hit], n >> 2, [n, 'ehr', String(n)]);
      }
    };
    expect(growthOf(tried, 8_000)).toBeLessThan(3.2);
  });
});
