import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Correlator } from './correlator';
import { SigmaMatcher } from './matcher';
import { compileSigma } from './rule-set';

interface CorrelationCase {
  readonly case: string;
  readonly types: readonly string[];
  readonly rules_yaml: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: readonly {
    readonly event: Record<string, unknown>;
    readonly ts: number;
    readonly expect: string | null;
  }[];
}

const CASES = resolve(__dirname, '../../../../shared/conformance/sigma/correlation_cases.jsonl');
const SUPPORTED = new Set(['event_count', 'value_count']);

function usesOtherModifiers({ rules_yaml: text }: CorrelationCase): boolean {
  const { problems } = compileSigma([{ path: 'case.yml', text }]);
  return problems.some(({ code }) => code === 'SIGMA_MODIFIER_UNSUPPORTED');
}

/** How many correlations fire on each step. */
function firings({ rules_yaml: text, steps }: CorrelationCase): number[] {
  const set = compileSigma([{ path: 'case.yml', text }]);
  expect(set.problems).toEqual([]);
  const matcher = new SigmaMatcher(set.rules, { ignoreLogsource: true });
  const correlators = set.correlations.map((correlation) => new Correlator(correlation, 'every'));
  return steps.map(({ event, ts }, index) => {
    const record = { type: null, data: event };
    const matches = matcher.match(record);
    return correlators.filter((correlator) => {
      const member = matches.find(({ rule }) => correlator.refersTo(rule));
      const hit = member === undefined ? undefined : correlator.hitOf(member.rule, record);
      return hit !== undefined && correlator.step(hit, ts * 1_000, [index, '', String(index)]) !== undefined;
    }).length;
  });
}

describe('Sigma correlation conformance', () => {
  const cases = readFileSync(CASES, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CorrelationCase);
  // A configuration names options of the engine that the cases come from, not of the specification.
  const tried = cases.filter(
    (one) =>
      one.types.every((type) => SUPPORTED.has(type)) &&
      Object.keys(one.config).length === 0 &&
      !usesOtherModifiers(one),
  );

  it('has cases to try', () => {
    process.stderr.write(
      `Sigma correlations: ${tried.length} of ${cases.length} cases use supported types and modifiers and no engine option\n`,
    );
    expect(tried.length).toBeGreaterThanOrEqual(3);
  });

  it.each(tried.map((one) => [one.case, one] as const))('%s', (_, one) => {
    const fired = firings(one);
    one.steps.forEach(({ expect: expected }, i) => {
      if (expected !== null) expect(`step ${i}: ==${fired[i]}`).toBe(`step ${i}: ${expected}`);
    });
  });
});
