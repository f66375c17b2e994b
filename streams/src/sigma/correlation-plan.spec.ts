import { CorrelationPlan, type PlannedHit } from './correlation-plan';
import type { SigmaRecord } from './record';
import { compileSigma } from './rule-set';
import type { SigmaRule } from './rule';
import { SIGN_IN_RULES } from './testing';

interface Planned {
  readonly plan: CorrelationPlan;
  readonly rules: readonly [SigmaRule, SigmaRule, SigmaRule];
  hits(rules: readonly number[], record: SigmaRecord['data'], lost?: readonly string[]): readonly PlannedHit[];
}

function planned(bodies: readonly string[], words: readonly string[] = []): Planned {
  const documents = bodies.map((body, i) => `---\ntitle: c${i}\nid: c${i}\ncorrelation: {timespan: 1m, ${body}}\n`);
  const set = compileSigma([{ path: 'test.yml', text: SIGN_IN_RULES + documents.join('') }]);
  expect(set.problems).toEqual([]);
  const plan = new CorrelationPlan(set.linked, () => words);
  const rules = set.rules as Planned['rules'];
  return {
    plan,
    rules,
    hits: (matched, data, lost = []) =>
      plan.hitsOf(
        matched.map((i) => rules[i] as SigmaRule),
        { type: null, data, envelope: { source: 'ehr' } },
        (text) => (text === 'anna' ? '~p.anna' : text),
        (field) => lost.includes(field),
      ),
  };
}
const COUNT = 'type: event_count, condition: {gte: 2}';

describe('CorrelationPlan', () => {
  it('knows the correlations of a rule by its id or by its name, and of no other', () => {
    const { plan, rules } = planned([
      `${COUNT}, rules: [${'00000000-0000-4000-8000-000000000002'}]`,
      `${COUNT}, rules: [failed, host_failed]`,
    ]);
    expect(rules.map((rule) => plan.placesOf(rule))).toEqual([
      [{ correlation: 1, member: 0 }],
      [
        { correlation: 0, member: 0 },
        { correlation: 1, member: 1 },
      ],
      [],
    ]);
  });

  it('silences what a correlation takes for itself, at each level, unless it says `generate`', () => {
    const { plan, rules } = planned([
      `${COUNT}, rules: [failed], generate: true`,
      `${COUNT}, rules: [host_failed, c0]`,
      `${COUNT}, rules: [c1], generate: true`,
    ]);
    const [c0, c1, c2] = plan.correlations;
    const raising = [...rules, c0, c1, c2].map((one) => one !== undefined && plan.raises(one));
    expect(raising).toEqual([true, false, true, false, true, true]);
  });

  it('reads group and value of each rule by its own alias, and everything as its pseudonym', () => {
    const { hits } = planned([
      'type: value_count, rules: [failed, host_failed], group-by: [who, event.source], condition: {field: from, gte: 2}, ' +
        'aliases: {who: {failed: user.uid, host_failed: TargetUserName}, from: {failed: src_endpoint.ip, host_failed: IpAddress}}',
    ]);
    expect(hits([0], { user: { uid: 'anna' }, src_endpoint: { ip: '10.0.0.1' } })).toMatchObject([
      { key: '["~p.anna","ehr"]', value: '10.0.0.1' },
    ]);
    expect(hits([1], { TargetUserName: 'bo', IpAddress: 7 })).toMatchObject([{ key: '["bo","ehr"]', value: '7' }]);
  });

  it('counts an event in the group of each rule whose alias says so, once in the same', () => {
    const ends = 'aliases: {end: {failed: src, host_failed: dst}}';
    const { hits } = planned([`${COUNT}, rules: [failed, host_failed], group-by: [end], ${ends}`]);
    expect(hits([0, 1], { src: 'a', dst: 'b' }).map(({ key }) => key)).toEqual(['["a"]', '["b"]']);
    expect(hits([0, 1], { src: 'a', dst: 'a' }).map(({ key }) => key)).toEqual(['["a"]']);
  });

  it('leaves out an event that lacks a group field, or the value, as one scalar, or whose value is lost', () => {
    const events = planned([`${COUNT}, rules: [failed], group-by: [user.uid]`]);
    const values = planned([
      'type: value_count, rules: [failed], group-by: [user.uid], condition: {field: address, gte: 1}',
    ]);
    expect(events.hits([0], {})).toEqual([]);
    expect(events.hits([0], { user: { uid: ['anna', 'bo'] } })).toEqual([]);
    expect(events.hits([0], { user: { uid: 0 } })).toMatchObject([{ key: '["0"]', value: null }]);
    expect(events.hits([0], { user: { uid: 'bo' } }, ['user.uid'])).toEqual([]);
    expect(values.hits([0], { user: { uid: 'bo' } })).toEqual([]);
    expect(values.hits([0], { user: { uid: 'bo' }, address: null })).toEqual([]);
    expect(values.hits([0], { user: { uid: 'bo' }, address: 'x' }, ['address'])).toEqual([]);
    expect(values.hits([0], { user: { uid: 'bo' }, address: false })).toMatchObject([{ value: 'false' }]);
  });

  it('keeps groups, and values of several fields, apart that look alike when joined', () => {
    const { hits } = planned([
      `${COUNT}, rules: [failed], group-by: [a, b]`,
      'type: value_count, rules: [failed], condition: {field: [a, b], gte: 2}',
    ]);
    const [one, other] = [hits([0], { a: 'x","y', b: 'z' }), hits([0], { a: 'x', b: 'y","z' })] as [
      PlannedHit[],
      PlannedHit[],
    ];
    expect(one[0]?.key).not.toBe(other[0]?.key);
    expect(one[1]?.value).not.toBe(other[1]?.value);
    expect(one[1]?.key).toBe(other[1]?.key);
    expect(hits([0], { a: 'x' })).toEqual([]);
  });

  it.each([
    [7, 7],
    [-0, 0],
    ['600', 600],
    ['-1.5e3', -1_500],
    ['.5', 0.5],
    ['1e999', undefined],
    ['0x10', undefined],
    ['12 KB', undefined],
    ['', undefined],
    [' 1', undefined],
    [true, undefined],
    [null, undefined],
    [[1, 2], undefined],
    ['anna', undefined],
  ])('measures %j as %j, and leaves out what is no number', (bytes, expected) => {
    const { hits } = planned(['type: value_sum, rules: [failed], condition: {field: bytes, gt: 2}']);
    expect(hits([0], { bytes }).map(({ value }) => value)).toEqual(expected === undefined ? [] : [expected]);
  });

  it('names the rules that matched to temporal correlations', () => {
    const { hits } = planned(['type: temporal, rules: [failed, host_failed]']);
    expect(hits([0, 1], {})).toMatchObject([{ key: '[]', value: null, members: [0, 1] }]);
    expect(hits([1], {})).toMatchObject([{ members: [1] }]);
  });

  it('carries on what correlations over it read, under the names that they have for it', () => {
    const { plan, hits } = planned([
      `${COUNT}, rules: [failed], group-by: [host]`,
      `type: value_sum, rules: [c0], group-by: [who, host], condition: {field: bytes, gt: 1}, aliases: {who: {c0: user.uid}}`,
    ]);
    const [hit] = hits([0], { host: 'h', user: { uid: 'anna' }, bytes: 5, other: 'x' });
    expect(hit).toMatchObject({ correlation: 0, key: '["h"]' });
    const texts = hit?.texts ?? [];
    expect(plan.textsByName(0, texts)).toEqual({ 'user.uid': '~p.anna', host: 'h', bytes: '5' });
    const [parent] = plan.parentsOf(0);
    expect(plan.hitOfFiring(parent as never, 0, { host: 'h' }, texts)).toMatchObject({
      correlation: 1,
      key: '["~p.anna","h"]',
      value: 5,
    });
    expect(plan.hitOfFiring(parent as never, 0, { host: 'h' }, [])).toBeUndefined();
    // What a correlation is grouped by goes before a field of the same name in its last event.
    expect(plan.hitOfFiring(parent as never, 0, { host: 'of the group' }, texts)).toMatchObject({
      key: '["~p.anna","of the group"]',
    });
  });

  it('carries words of every name, also of one that objects have of their own', () => {
    const { plan, hits } = planned([`${COUNT}, rules: [failed], group-by: [__proto__]`], ['__proto__']);
    const [hit] = hits([0], JSON.parse('{"__proto__": "x"}') as Record<string, unknown>);
    expect(hit?.key).toBe('["x"]');
    expect(Object.entries(plan.textsByName(0, hit?.texts ?? []))).toEqual([['__proto__', 'x']]);
  });
});
