import { parseRuleCases, type RuleCase } from './rule-cases';
import type { SigmaProblem } from './problem';
import { compileSigma } from './rule-set';
import { ruleText } from './testing';

const HEAD = ruleText('s:\n  A: x\ncondition: s');
const CORRELATION = `title: C\nid: c\ncorrelation: { type: event_count, rules: [test], timespan: 1m, condition: { gte: 2 } }\n`;

function read(cases: string, isCorrelation = false): { cases: RuleCase[]; problems: SigmaProblem[] } {
  const block = `protego:\n  cases:\n${cases.replace(/^/gm, '    ')}\n`;
  const text = isCorrelation ? `${HEAD}---\n${CORRELATION}${block}` : HEAD + block;
  const set = compileSigma([{ path: 'r.yml', text }]);
  const [document] = isCorrelation ? set.correlations : set.rules;
  if (document === undefined) throw new Error(JSON.stringify(set.problems));
  return parseRuleCases(document);
}

describe('parseRuleCases', () => {
  it('reads a case with one event', () => {
    const { cases, problems } = read(
      '- name: one\n  match: yes\n  event: { type: access.signed-in, data: { a: { b: 1 } } }',
    );
    expect(problems).toEqual([]);
    expect(cases).toEqual([
      {
        name: 'one',
        expectation: { kind: 'match', isWanted: true },
        at: { path: 'r.yml', line: 11, column: 7 },
        events: [
          {
            type: 'access.signed-in',
            timeMs: Date.UTC(2026, 2, 2, 7),
            source: 'case',
            data: { a: { b: 1 } },
            at: { path: 'r.yml', line: 13, column: 14 },
          },
        ],
      },
    ]);
  });

  it('counts copies out, each with data of its own', () => {
    const { cases } = read(
      "- name: n\n  detections: 1\n  events:\n    - time: '2026-01-01T00:00:00Z'\n      source: gate\n      subject: s\n      data: { user: { uid: u } }\n      repeat: { count: 3, everyMs: 1000, set: { user.uid: 'u-{n}', new.x: 5, '__proto__.y': '{n}{n}', deep.__proto__.y: 1 } }",
      true,
    );
    const events = cases[0]?.events ?? [];
    expect(events.map(({ timeMs }) => timeMs - Date.UTC(2026, 0, 1))).toEqual([0, 1_000, 2_000]);
    expect(events.map(({ data }) => (data['user'] as { uid: string }).uid)).toEqual(['u-1', 'u-2', 'u-3']);
    expect(events[0]).toMatchObject({ type: null, source: 'gate', subject: 's' });
    expect(events.map(({ data }) => data['new'])).toEqual([{ x: 5 }, { x: 5 }, { x: 5 }]);
    expect(Object.keys(events[0]?.data ?? {})).toContain('__proto__');
    expect(({} as Record<string, unknown>)['y']).toBeUndefined();
  });

  const event = 'event: { data: {} }';
  it.each([
    ['a case that is no mapping', '- 5', /a case is a mapping/, 11],
    ['an unknown member', `- { name: a, match: true, ${event}, expect: 1 }`, /`expect` is not known/, 11],
    ['a member of correlations', `- { name: a, detections: 1, ${event} }`, /`detections` is not known/, 11],
    ['a missing name', `- { match: true, ${event} }`, /needs `name`/, 11],
    ['an empty name', `- { name: '', match: true, ${event} }`, /1 to 200 characters/, 11],
    ['a repeated name', `- { name: a, match: true, ${event} }\n- { name: a, match: true, ${event} }`, /two cases/, 12],
    ['a missing answer', `- { name: a, ${event} }`, /needs `match`/, 11],
    ['an answer that is no boolean', `- { name: a, match: maybe, ${event} }`, /not a boolean/, 11],
    ['no event', '- { name: a, match: true }', /either `event` or `events`/, 11],
    ['both kinds of events', `- { name: a, match: true, ${event}, events: [] }`, /either/, 11],
    ['no events', '- { name: a, match: true, events: [] }', /at least one/, 11],
    ['an event without data', '- name: a\n  match: true\n  event:\n    type: x.y', /needs `data`/, 14],
    ['data that is no mapping', '- { name: a, match: true, event: { data: 5 } }', /`data` is not a mapping/, 11],
    [
      'an unknown member of an event',
      '- { name: a, match: true, event: { data: {}, tipe: x } }',
      /`tipe` is not known/,
      11,
    ],
    ['a wrong time', '- { name: a, match: true, event: { data: {}, time: noon } }', /no time of RFC 3339/, 11],
    ['no count', '- { name: a, match: true, event: { data: {}, repeat: { everyMs: 1 } } }', /needs `count`/, 11],
    [
      'a count of nothing',
      '- { name: a, match: true, event: { data: {}, repeat: { count: 0, everyMs: 1 } } }',
      /is 0/,
      11,
    ],
    [
      'too many copies',
      '- { name: a, match: true, event: { data: {}, repeat: { count: 10001, everyMs: 1 } } }',
      /0 to 10000/,
      11,
    ],
    [
      'half a copy',
      '- { name: a, match: true, event: { data: {}, repeat: { count: 1.5, everyMs: 1 } } }',
      /whole number/,
      11,
    ],
    [
      'a set through a text',
      '- { name: a, match: true, event: { data: { a: x }, repeat: { count: 1, everyMs: 1, set: { a.b: y } } } }',
      /leads through `a`/,
      11,
    ],
    [
      'a set of a list',
      '- { name: a, match: true, event: { data: {}, repeat: { count: 1, everyMs: 1, set: { a: [] } } } }',
      /must be text/,
      11,
    ],
  ])('refuses %s with its place', (_, cases, message, line) => {
    const { problems } = read(cases);
    expect(problems).toEqual([
      expect.objectContaining({
        path: 'r.yml',
        code: 'SIGMA_CASE_INVALID',
        message: expect.stringMatching(message) as string,
        line,
      }),
    ]);
    expect(problems[0]?.column).toBeGreaterThan(1);
  });

  it('reads on after a case that is wrong', () => {
    const { cases, problems } = read(`- 5\n- { name: b, match: false, ${event} }`);
    expect(cases.map(({ name }) => name)).toEqual(['b']);
    expect(problems).toHaveLength(1);
  });

  it('refuses cases that are no list, are too many, or have too many events', () => {
    const refused = (text: string, isCorrelation?: boolean): string[] =>
      read(text, isCorrelation).problems.map(({ message }) => message);
    expect(refused('{ name: a }')).toEqual(['`cases` is not a list']);
    expect(
      refused(Array.from({ length: 201 }, (_, at) => `- { name: n${at}, match: true, ${event} }`).join('\n')),
    ).toEqual(['more than 200 cases']);
    const copies = '{ data: {}, repeat: { count: 6000, everyMs: 1 } }';
    expect(refused(`- { name: a, detections: 1, events: [${copies}, ${copies}] }`, true)).toEqual([
      'more than 10000 events',
    ]);
    expect(refused(`- { name: a, ${event} }`, true)).toEqual(['a case of a correlation needs `detections`']);
  });
});
