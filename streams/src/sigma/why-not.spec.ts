import fc from 'fast-check';
import { Evaluator } from './evaluator';
import type { SigmaExpression } from './expression';
import { SigmaMatcher } from './matcher';
import { compileSigma } from './rule-set';
import { keyOf } from './value-claims';
import { whyNotMatched, type NearMiss } from './why-not';
import { ARBITRARY_RULE, arbitraryData, onlyRule, ruleText } from './testing';

const WINDOWS = { Channel: 'Security', EventID: 4688 };

function whyNot(detection: string, data: Record<string, unknown>): NearMiss | undefined {
  return whyNotMatched(onlyRule(ruleText(detection)), { type: null, data: { ...WINDOWS, ...data } });
}

function clauses(detection: string, data: Record<string, unknown>): unknown[] {
  return (whyNot(detection, data)?.clauses ?? []).map(({ clause, isWanted }) => [clause, isWanted]);
}

/** The truth of a condition when the answers of the given predicates are turned round. */
function holdsTurned(expression: SigmaExpression, evaluator: Evaluator, turned: ReadonlySet<string>): boolean {
  const ask = (operand: SigmaExpression): boolean => holdsTurned(operand, evaluator, turned);
  if (expression.kind === 'not') return !ask(expression.operand);
  if (expression.kind === 'and') return expression.operands.every(ask);
  if (expression.kind === 'or') return expression.operands.some(ask);
  return evaluator.compile(expression)() !== turned.has(keyOf(expression));
}

function predicatesOf(expression: SigmaExpression): string[] {
  if (expression.kind === 'not') return predicatesOf(expression.operand);
  if (expression.kind === 'and' || expression.kind === 'or') return expression.operands.flatMap(predicatesOf);
  return [keyOf(expression)];
}

describe('whyNotMatched', () => {
  it('names the clause that fails, what the field holds, and where the clause stands', () => {
    const miss = whyNot('proc:\n  Image|endswith: \\cmd.exe\n  User: x\ncondition: proc', {
      Image: 'C:\\a.exe',
      User: 'X',
    });
    expect(miss).toMatchObject({ isOfLogsource: true, isShortest: true, canHold: true });
    expect(miss?.clauses).toEqual([
      expect.objectContaining({
        selections: ['proc'],
        field: 'Image',
        clause: 'Image|endswith: \\cmd.exe',
        isWanted: true,
        values: ['C:\\a.exe'],
      }),
    ]);
  });

  it('says nothing of a rule that matches, and of one of another log that it is of another log', () => {
    expect(whyNot('s:\n  A: x\ncondition: s', { A: 'x' })).toBeUndefined();
    expect(
      whyNotMatched(onlyRule(ruleText('s:\n  A: x\ncondition: s')), { type: null, data: { A: 'x' } }),
    ).toMatchObject({
      isOfLogsource: false,
      clauses: [],
    });
  });

  it('takes the way with the fewest clauses', () => {
    const detection = 's:\n  A: 1\n  B: 2\n  C: 3\nt:\n  D: 4\n  E: 5\nf:\n  F: 6\ncondition: (s or t) and not f';
    expect(clauses(detection, { A: 1, B: 2 })).toEqual([['C: 3', true]]);
    expect(clauses(detection, { E: 5, F: 6 })).toEqual(
      expect.arrayContaining([
        ['D: 4', true],
        ['F: 6', false],
      ]),
    );
  });

  it('turns a clause in all its places, and takes another way where that does harm', () => {
    const detection = 's:\n  A: 1\nt:\n  B: 2\n  C: 3\ncondition: (s or t) and not s';
    expect(clauses(detection, {})).toEqual(
      expect.arrayContaining([
        ['B: 2', true],
        ['C: 3', true],
      ]),
    );
  });

  it('names every selection that holds the clause', () => {
    const miss = whyNot('s:\n  A: x\nt:\n  A: x\n  B: y\nu:\n  C: z\ncondition: s and t', { B: 'y' });
    expect(miss?.clauses.map(({ selections }) => selections)).toEqual([['s', 't']]);
  });

  it('says so when no turn of clauses helps', () => {
    expect(whyNot('s:\n  A: 1\ncondition: s and not s', {})).toMatchObject({ canHold: false, isShortest: true });
    expect(clauses('s:\n  A: 1\ncondition: s and not s', {})).toEqual([['A: 1', true]]);
  });

  it('tells missing, null and objects from values, and cuts long ones', () => {
    const of = (data: Record<string, unknown>): unknown => whyNot('s:\n  A: x\ncondition: s', data)?.clauses[0];
    expect(of({})).toMatchObject({ absence: 'missing', values: [] });
    expect(of({ A: null })).toMatchObject({ absence: 'null', values: [] });
    expect(of({ A: {} })).toMatchObject({ absence: 'no value', values: [] });
    expect(of({ A: ['y', 2, false] })).toMatchObject({ values: ['y', 2, false] });
    expect(of({ A: 'y'.repeat(9_999) })).toMatchObject({ values: ['y'.repeat(512)] });
  });

  it('comes to an end on a condition with very many ways', () => {
    const lines = Array.from({ length: 60 }, (_, at) => `p${at}:\n  A${at}: 1\n  B${at % 7}: 2`);
    const filters = Array.from({ length: 60 }, (_, at) => `f${at}:\n  A${at}: 1\n  A${(at + 1) % 60}: 1`);
    const miss = whyNot([...lines, ...filters, 'condition: all of p* and not 1 of f*'].join('\n'), {});
    expect(miss?.clauses.length).toBeGreaterThan(0);
    const open = whyNot([...lines, 'condition: (1 of p*) and not (all of p*)'].join('\n'), {});
    expect(open).toMatchObject({ isShortest: true, canHold: true, clauses: [{}, {}] });
  });

  it('agrees with the matcher, and its clauses turned round make the condition true, and no fewer would do', () => {
    let misses = 0;
    fc.assert(
      fc.property(ARBITRARY_RULE, arbitraryData(true), (text, data) => {
        const [rule] = compileSigma([{ path: 'r.yml', text }]).rules;
        if (rule === undefined) return;
        const record = { type: null, data: { ...WINDOWS, ...data } };
        const miss = whyNotMatched(rule, record);
        expect(miss === undefined).toBe(new SigmaMatcher([rule]).match(record).length > 0);
        if (miss === undefined) return;
        misses += 1;
        expect(miss.clauses.length).toBeGreaterThan(0);
        const evaluator = new Evaluator();
        evaluator.load(record);
        for (const { predicate, isWanted } of miss.clauses) expect(evaluator.compile(predicate)()).toBe(!isWanted);
        const holds = (turned: readonly string[]): boolean => holdsTurned(rule.detection, evaluator, new Set(turned));
        const turned = miss.clauses.map(({ predicate }) => keyOf(predicate));
        expect(holds(turned)).toBe(miss.canHold);
        const all = [...new Set(predicatesOf(rule.detection))];
        if (all.length > 8) return;
        const sets = all.reduce<string[][]>((known, key) => [...known, ...known.map((set) => [...set, key])], [[]]);
        const sizes = sets.filter(holds).map(({ length }) => length);
        expect(sizes.length > 0).toBe(miss.canHold);
        if (miss.canHold) expect(Math.min(...sizes)).toBe(turned.length);
      }),
      { numRuns: 2_000, seed: 3 },
    );
    expect(misses).toBeGreaterThan(300);
  }, 60_000);
});
