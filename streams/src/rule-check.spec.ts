import { EventValidator, eventRegistry } from '@protego/contracts';
import { checkRules, type DocumentCheck } from './rule-check';
import { compileSigma } from './sigma';

const validator = new EventValidator(eventRegistry);

function check(text: string): DocumentCheck[] {
  const set = compileSigma([{ path: 'r.yml', text }]);
  expect(set.problems).toEqual([]);
  return [...checkRules(set, (event) => void validator.check(event))];
}

const rule = (
  detection: string,
  cases = '',
  logsource = 'product: protego, category: access.signed-in',
  id = 'r',
): string =>
  `title: T\nid: ${id}\nlogsource: { ${logsource} }\ndetection: ${detection}\n${cases === '' ? '' : `protego:\n  cases:\n${cases}`}`;
const CORRELATION = (condition: string, cases = ''): string =>
  `title: C\nid: c\ncorrelation: { type: event_count, rules: [r], group-by: [user.uid], timespan: 1m, condition: ${condition} }\n${cases}`;
const codes = (checks: readonly DocumentCheck[]): string[] =>
  checks.flatMap(({ warnings }) => warnings.map(({ code }) => code));

describe('checkRules', () => {
  const selection = '{ s: { user.uid: p-1 }, condition: s }';
  const signedIn = (uid: string): string => `{ type: access.signed-in, data: { user: { uid: ${uid} } } }`;

  it('runs cases of a rule', () => {
    const [good] = check(
      rule(
        selection,
        `    - { name: a, match: true, event: ${signedIn('p-1')} }\n    - { name: b, match: false, event: ${signedIn('p-2')} }\n`,
      ),
    );
    expect(good).toMatchObject({ caseCount: 2, caseProblems: [], warnings: [] });
    expect(good?.neverFires).toBeUndefined();
    const [bad] = check(
      rule(
        selection,
        `    - { name: a, match: false, event: ${signedIn('p-1')} }\n    - { name: b, match: true, events: [${signedIn('p-1')}, ${signedIn('p-2')}] }\n`,
      ),
    );
    expect(bad?.caseProblems).toEqual([
      expect.objectContaining({
        code: 'SIGMA_CASE_FAILED',
        line: 7,
        message: 'case `a`: event 1 must not match and does',
      }),
      expect.objectContaining({
        code: 'SIGMA_CASE_FAILED',
        line: 8,
        message: 'case `b`: event 2 must match and does not',
      }),
    ]);
  });

  it('checks events against the schema of their type, and takes native records as they are', () => {
    const [checked] = check(
      rule(
        '{ s: { Image: x }, condition: s }',
        `    - { name: a, match: true, event: { data: { Channel: Security, EventID: 4688, Image: x } } }
    - { name: b, match: false, event: { data: { Image: x } } }
    - { name: c, match: false, event: { type: access.signed-in, data: {} } }
    - { name: d, match: false, event: { type: access.unheard, data: {} } }\n`,
        'product: windows, category: process_creation',
      ),
    );
    expect(checked?.caseProblems.map(({ code, line }) => [code, line])).toEqual([
      ['SIGMA_CASE_INVALID', 9],
      ['SIGMA_CASE_INVALID', 10],
    ]);
  });

  it('runs cases of a correlation through the pipeline', () => {
    const cases = (detections: number, count: number): string =>
      `protego:\n  cases:\n    - name: n\n      detections: ${detections}\n      events:\n        - type: access.signed-in\n          data: { user: { uid: p-1 } }\n          repeat: { count: ${count}, everyMs: 1000 }\n`;
    const failures = (detections: number, count: number): string[] =>
      check(`${rule(selection)}---\n${CORRELATION('{ gte: 3 }', cases(detections, count))}`).flatMap(
        ({ caseProblems }) => caseProblems.map(({ message }) => message),
      );
    expect(failures(1, 3)).toEqual([]);
    expect(failures(0, 2)).toEqual([]);
    expect(failures(1, 2)).toEqual(['case `n`: 1 detections are wanted, 0 are raised']);
    expect(failures(0, 3)).toEqual(['case `n`: 0 detections are wanted, 1 are raised']);
  });

  it('finds documents that can never fire, and correlations over them', () => {
    const dead = rule('{ s: { A: x }, condition: s and not s }');
    const checks = check(`${dead}---\n${CORRELATION('{ gte: 1 }')}`);
    expect(checks.map(({ neverFires }) => neverFires?.code)).toEqual(['SIGMA_NEVER_FIRES', 'SIGMA_NEVER_FIRES']);
    expect(checks[1]?.neverFires).toMatchObject({ line: 6, message: 'none of those that it is about can fire' });
    const [, counted] = check(
      `${rule(selection)}---\n${CORRELATION('{ gte: 2 }').replace('event_count', 'value_count').replace('gte: 2', 'field: user.uid, gte: 2')}`,
    );
    expect(counted?.neverFires?.message).toMatch(/each group has one value/);
  });

  it('takes filters into account', () => {
    const filter = `title: F\nid: f\nlogsource: { product: protego }\nfilter: { rules: any, s: { user.uid: 'p-*' }, condition: not s }\n`;
    const cases = `    - { name: a, match: true, event: ${signedIn('p-1')} }\n`;
    const [checked] = check(`${rule(selection, cases)}---\n${filter}`);
    expect(checked?.neverFires?.message).toMatch(/rules out `user.uid\|startswith: p-`/);
    expect(checked?.caseProblems).toHaveLength(1);
  });

  it('runs cases of a correlation over another, and of that other', () => {
    const cases = (detections: number): string =>
      `protego:\n  cases:\n    - name: n\n      detections: ${detections}\n      events:\n        - type: access.signed-in\n          data: { user: { uid: p-1 } }\n          repeat: { count: 4, everyMs: 20000 }\n`;
    const over = (condition: string, detections: number): string =>
      `title: O\nid: o\ncorrelation: { type: event_count, rules: [c], timespan: 1h, condition: ${condition} }\n${cases(detections)}`;
    const set = (condition: string, detections: number): string =>
      `${over(condition, detections)}---\n${rule(selection)}---\n${CORRELATION('{ gte: 2 }', cases(1))}`;
    expect(check(set('{ gte: 1 }', 1)).flatMap(({ caseProblems }) => caseProblems)).toEqual([]);
    expect(check(set('{ gte: 2 }', 1)).flatMap(({ caseProblems }) => caseProblems)).toHaveLength(1);
  });

  it('warns of fields that must be lists, of logs that nothing feeds, and of missing cases', () => {
    expect(codes(check(rule('{ s: { A|all: [x, y] }, condition: s }')))).toEqual([
      'SIGMA_LIST_NEEDED',
      'SIGMA_CASES_MISSING',
    ]);
    expect(codes(check(rule(selection, '', 'product: linux')))).toEqual([
      'SIGMA_LOGSOURCE_UNFED',
      'SIGMA_CASES_MISSING',
    ]);
    const cases = 'protego:\n  cases: []\n';
    expect(codes(check(`${rule(selection)}---\n${CORRELATION('{ gte: 3 }', cases)}`))).toEqual([]);
    expect(codes(check(`${rule(selection)}---\n${CORRELATION('{ gte: 3 }')}`))).toEqual([
      'SIGMA_CASES_MISSING',
      'SIGMA_CASES_MISSING',
    ]);
  });
});
