import { ROUTE_COUNT_MAX, SigmaMatcher } from './matcher';
import type { SigmaRecord } from './record';
import { compileSigma } from './rule-set';

const SYSMON = 'Microsoft-Windows-Sysmon/Operational';

function matcherOf(logsources: Record<string, string>, ignoreLogsource = false): (record: SigmaRecord) => string[] {
  const files = Object.entries(logsources).map(([id, logsource]) => ({
    path: `${id}.yml`,
    text: `title: T\nid: ${id}\nlogsource: ${logsource}\ndetection: {a: {Hit: 1}, condition: a}\n`,
  }));
  const { rules, problems } = compileSigma(files);
  expect(problems).toEqual([]);
  const matcher = new SigmaMatcher(rules, { ignoreLogsource });
  return (record) => matcher.match(record).map(({ rule }) => rule.id);
}

const record = (data: Record<string, unknown>, type: string | null = null): SigmaRecord => ({
  type,
  data: { Hit: 1, ...data },
});

describe('routing by log source', () => {
  const match = matcherOf({
    process: '{product: windows, category: process_creation}',
    generic: '{category: process_creation}',
    security: '{product: windows, service: security}',
    powershell: '{product: windows, service: powershell}',
    windows: '{product: windows}',
    linux: '{product: linux, category: process_creation}',
    zeek: '{product: zeek, service: http}',
    cloud: '{product: aws, service: cloudtrail}',
    read: '{product: protego, category: access.record-read}',
    access: '{product: protego, service: access}',
    proxy: '{category: proxy}',
    definition: '{definition: nothing that can be checked}',
  });

  it.each([
    [{ Channel: SYSMON, EventID: 1 }, null, ['process', 'generic', 'windows']],
    [{ Channel: SYSMON.toLowerCase(), EventID: '1' }, null, ['process', 'generic', 'windows']],
    [{ Channel: SYSMON, EventID: 3 }, null, ['windows']],
    [{ Channel: 'Security', EventID: 4688 }, null, ['process', 'generic', 'security', 'windows']],
    [{ Channel: 'Security', EventID: 4624 }, null, ['security', 'windows']],
    [{ Channel: 'PowerShellCore/Operational', EventID: 1 }, null, ['powershell', 'windows']],
    [{ _path: 'http' }, null, ['zeek']],
    [{ _path: 'dns' }, null, []],
    [{ eventSource: 's3.amazonaws.com', eventVersion: '1.08' }, null, ['cloud']],
    [{}, 'access.record-read', ['read', 'access']],
    [{}, 'access.signed-in', ['access']],
    [{ Channel: 'Security', EventID: 4624 }, 'device.host-event-recorded', ['security', 'windows']],
    [{ Channel: 'Security', EventID: 4624 }, 'access.signed-in', ['access']],
    [{ _path: 'http' }, 'device.network-log-recorded', ['zeek']],
    [{}, null, []],
  ])('%j of type %s meets %j', (data, type, expected) => {
    expect(match(record(data, type))).toEqual(expected);
  });

  it('tells apart upper and lower case in the channel where a rule asks for it', () => {
    const text = (selection: string): string =>
      `title: T\nlogsource: {product: windows}\ndetection: {a: {${selection}}, condition: a}\n`;
    const selections = [
      'Channel|cased: Security',
      'Channel: SECURITY',
      'EventID: 4688',
      'EventID: "4688"',
      'EventID: 4689',
    ];
    const { rules } = compileSigma(selections.map((selection) => ({ path: selection, text: text(selection) })));
    const matcher = new SigmaMatcher(rules);
    const found = (data: Record<string, unknown>): string[] =>
      matcher.match(record(data)).map(({ rule: { path } }) => path);
    expect(found({ Channel: 'security', EventID: 4688 })).toEqual([
      'Channel: SECURITY',
      'EventID: 4688',
      'EventID: "4688"',
    ]);
    expect(found({ Channel: 'Security', EventID: '4689' })).toEqual([
      'Channel|cased: Security',
      'Channel: SECURITY',
      'EventID: 4689',
    ]);
  });

  it('asks every rule when the log source is ignored', () => {
    const all = matcherOf({ linux: '{product: linux}', none: '{}' }, true);
    expect(all(record({}))).toEqual(['linux', 'none']);
  });
});

describe('SigmaMatcher', () => {
  const compile = (...detections: string[]): SigmaMatcher => {
    const files = detections.map((detection, at) => ({
      path: `${at}.yml`,
      text: `title: T\nid: r${at}\nlogsource: {product: windows}\ndetection: ${detection}\n`,
    }));
    return new SigmaMatcher(compileSigma(files).rules);
  };

  it('reports a rule that throws and goes on with the others', () => {
    const matcher = compile(
      '{a: {Bad: 1}, condition: a}',
      '{a: {Good: 1}, condition: a}',
      '{a: {Bad: 1}, condition: not a}',
    );
    const data = { Channel: 'Security', Good: 1 };
    Object.defineProperty(data, 'Bad', {
      enumerable: true,
      get: () => {
        throw new Error('broken field');
      },
    });
    const matches = matcher.match({ type: null, data });
    expect(matches.map(({ rule, failure }) => [rule.id, failure?.message])).toEqual([
      ['r0', 'broken field'],
      ['r1', undefined],
      ['r2', 'broken field'],
    ]);
  });

  it('does not carry answers over to the next record', () => {
    const matcher = compile('{a: {A|contains: x}, condition: a}', '{a: {A|contains: x, B: 1}, condition: a}');
    const data: Record<string, unknown> = { Channel: 'Security', A: 'a long line with an x in the middle of it', B: 1 };
    expect(matcher.match({ type: null, data })).toHaveLength(2);
    data['A'] = 'a long line with none of the asked letters';
    expect(matcher.match({ type: null, data })).toHaveLength(0);
    expect(matcher.match({ type: null, data: { Channel: 'Security', A: 'x' } })).toHaveLength(1);
  });

  it('bounds the routes it keeps and counts those it gave up', () => {
    const matcher = compile('{a: {A: 1}, condition: a}');
    for (let eventId = 0; eventId < ROUTE_COUNT_MAX + 10; eventId++) {
      expect(matcher.match({ type: null, data: { Channel: 'Security', EventID: eventId, A: 1 } })).toHaveLength(1);
    }
    expect(matcher.evictedRouteCount).toBe(10);
  });

  it('knows a missing field under `not` as true', () => {
    const matcher = compile('{a: {A: 1}, f: {B: x}, condition: a and not f}');
    expect(matcher.match({ type: null, data: { Channel: 'Security', A: 1 } })).toHaveLength(1);
    expect(matcher.match({ type: null, data: { Channel: 'Security', A: 1, B: 'X' } })).toHaveLength(0);
  });
});
