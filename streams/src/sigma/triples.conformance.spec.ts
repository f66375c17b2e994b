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

/** Cases that pass: all that there are but those that are decided otherwise. */
const PASSED_COUNT = 2_427;

/**
 * Cases that are decided otherwise, by number, and why. Each is a question that the specification leaves open or an
 * extension of another engine; docs/reference/sigma.md, "Where engines differ", and `differences.spec.ts`.
 */
const DECIDED_OTHERWISE: ReadonlyMap<number, string> = new Map([
  [213, 'a placeholder never stands for a field of the event: the rule is refused'],
  [214, 'a placeholder never stands for a field of the event: the rule is refused'],
  [237, 'no members of lists by number: `ips[0]` is the name of a field'],
  [241, 'no escapes in names of fields: `\\[` is a backslash and a bracket'],
  [253, 'no quantors over members of lists: a map under a field is refused'],
  [254, 'no quantors over members of lists: a map under a field is refused'],
  [272, 'a missing field is null'],
  [305, 'a missing field satisfies no text, so that `not` is true'],
]);

function isAsExpected({ rule_yaml, event, expected }: Triple): boolean {
  const { rules, problems } = compileSigma([{ path: 'triple.yml', text: rule_yaml }]);
  if (problems.length > 0) return false;
  const matches = new SigmaMatcher(rules, { ignoreLogsource: true }).match({ type: null, data: event });
  return matches.length > 0 === expected;
}

describe('Sigma conformance', () => {
  it('agrees with every case but those that are decided otherwise', () => {
    const lines = gunzipSync(readFileSync(TRIPLES)).toString('utf8').trim().split('\n');
    const triples = lines.map((line) => JSON.parse(line) as Triple);
    const differing = triples.filter((triple) => !isAsExpected(triple));
    console.info(`Sigma conformance: ${triples.length - differing.length} of ${triples.length}`);
    expect(differing.map(({ n }) => n).sort((left, right) => left - right)).toEqual([...DECIDED_OTHERWISE.keys()]);
    expect(differing.filter(({ flags }) => flags.length === 0)).toEqual([]);
    expect(triples.length - differing.length).toBe(PASSED_COUNT);
  }, 60_000);
});
