import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { SigmaMatcher } from './matcher';
import { compileSigma } from './rule-set';

interface Triple {
  readonly n: number;
  readonly rule_yaml: string;
  readonly event: Record<string, unknown>;
  readonly expected: boolean;
  /** Questions that the specification leaves open. */
  readonly flags: readonly string[];
}

const TRIPLES = resolve(process.cwd(), '../shared/conformance/sigma/triples.jsonl.gz');

type Outcome = 'passed' | 'failed' | 'unsupported';

function outcomeOf({ rule_yaml, event, expected }: Triple): Outcome {
  const { rules, problems } = compileSigma([{ path: 'triple.yml', text: rule_yaml }]);
  if (problems.length > 0) return problems[0]?.code === 'SIGMA_MODIFIER_UNSUPPORTED' ? 'unsupported' : 'failed';
  const matches = new SigmaMatcher(rules, { ignoreLogsource: true }).match({ type: null, data: event });
  return matches.length > 0 === expected ? 'passed' : 'failed';
}

describe('Sigma conformance', () => {
  it('agrees with every case of a supported modifier that leaves no question open', () => {
    const lines = gunzipSync(readFileSync(TRIPLES)).toString('utf8').trim().split('\n');
    const counts: Record<Outcome, number> = { passed: 0, failed: 0, unsupported: 0 };
    const failures: number[] = [];
    for (const line of lines) {
      const triple = JSON.parse(line) as Triple;
      const outcome = outcomeOf(triple);
      counts[outcome] += 1;
      if (outcome === 'failed' && triple.flags.length === 0) failures.push(triple.n);
    }
    console.info(`Sigma conformance: ${JSON.stringify(counts)} of ${lines.length}`);
    expect(failures).toEqual([]);
    expect(counts.passed).toBeGreaterThan(2_400);
  }, 60_000);
});
