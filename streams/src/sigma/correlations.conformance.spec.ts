import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CorrelationPlan } from './correlation-plan';
import { CorrelationRun } from './correlation-run';
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

const CASES = resolve(process.cwd(), '../shared/conformance/sigma/correlation_cases.jsonl');

// A placeholder that stands for a field of the same event. The specification allows look-ups while matching, and says: "If
// the tool isn't able to handle placeholders, it must reject the rule." docs/reference/sigma.md, "Where engines differ".
const isOfEvent = (one: CorrelationCase): boolean =>
  compileSigma([{ path: 'case.yml', text: one.rules_yaml }]).problems.some(
    ({ code }) => code === 'SIGMA_PLACEHOLDER_UNKNOWN',
  );

/** Options of the engine that the cases come from, as they are said here. */
interface EngineOptions {
  /** Holds back what comes so soon after the last of the group: `suppress` here. */
  readonly suppress_seconds?: number;
  /** `reset` begins to count anew after each; here one is told while the condition stays true, which in the case is the same. */
  readonly action_on_match?: string;
}

/** How many correlations are told of on each step. */
function raisedOn({ rules_yaml: text, steps, config }: CorrelationCase): number[] {
  const set = compileSigma([{ path: 'case.yml', text }]);
  expect(set.problems).toEqual([]);
  const { suppress_seconds: seconds = 0, action_on_match: action, ...others }: EngineOptions = config;
  expect(others).toEqual({});
  const linked = set.linked.map((one) => ({
    ...one,
    correlation: { ...one.correlation, suppressMs: seconds * 1_000 },
  }));
  const matcher = new SigmaMatcher(set.rules, { ignoreLogsource: true });
  const plan = new CorrelationPlan(linked, () => []);
  const run = new CorrelationRun(plan, action === 'reset' ? 'crossing' : 'every');
  return steps.map(({ event, ts }, index) => {
    const record = { type: null, data: event };
    const rules = matcher.match(record).map(({ rule }) => rule);
    const hits = plan.hitsOf(
      rules,
      record,
      (value) => value,
      () => false,
    );
    return run.step(hits, ts * 1_000, [index, '', String(index)]).length;
  });
}

describe('Sigma correlation conformance', () => {
  const cases = readFileSync(CASES, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CorrelationCase);
  const tried = cases.filter((one) => !isOfEvent(one));

  it('tries every case but the one whose rule takes a value of the event for a placeholder', () => {
    process.stderr.write(`Sigma correlations: ${tried.length} of ${cases.length} cases tried\n`);
    expect(cases.filter(isOfEvent).map((one) => one.case)).toEqual(['c6d647515']);
  });

  it.each(tried.map((one) => [one.case, one] as const))('%s', (_, one) => {
    const raised = raisedOn(one);
    one.steps.forEach(({ expect: expected }, i) => {
      if (expected !== null) expect(`step ${i}: ==${raised[i]}`).toBe(`step ${i}: ${expected}`);
    });
  });
});
