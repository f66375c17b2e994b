import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Evaluator, type RecordTest } from '../evaluator';
import { isFromLogsource, originsOf, routePartsOf } from '../logsource';
import { SigmaMatcher } from '../matcher';
import type { SigmaRecord } from '../record';
import type { SigmaRule } from '../rule';
import { compileSigma } from '../rule-set';

const DATA = resolve(process.cwd(), '../shared/data');
const RECORDINGS = resolve(DATA, 'windows-attacks');
const EVALUATIONS = 101;
const MEDIAN_MS_MAX = 1;

const linesOf = (path: string): string[] =>
  gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');

function publicRules(): readonly SigmaRule[] {
  const lines = linesOf(resolve(DATA, 'sigma/rules.jsonl.gz'));
  const documents = lines.map((line) => JSON.parse(line) as { path: string; yaml: string });
  return compileSigma(documents.map(({ path, yaml }) => ({ path, text: yaml }))).rules;
}

/** Each rule that is written for a record's log in turn. */
class InTurn {
  readonly #evaluator = new Evaluator();
  readonly #tests: readonly { readonly rule: SigmaRule; readonly test: RecordTest }[];
  readonly #routes = new Map<string, readonly { readonly rule: SigmaRule; readonly test: RecordTest }[]>();
  /** By path: the record on which a rule took longest, and how long. */
  readonly worst = new Map<string, { record: SigmaRecord; test: RecordTest; ms: number }>();

  constructor(rules: readonly SigmaRule[]) {
    this.#tests = rules.map((rule) => ({ rule, test: this.#evaluator.compile(rule.detection) }));
  }

  match(record: SigmaRecord): string[] {
    const parts = routePartsOf(record);
    const key = JSON.stringify(parts);
    let route = this.#routes.get(key);
    if (route === undefined) {
      const origins = originsOf(parts);
      route = this.#tests.filter(({ rule }) => origins.some((origin) => isFromLogsource(rule.logsource, origin)));
      this.#routes.set(key, route);
    }
    this.#evaluator.load(record);
    return route.flatMap(({ rule, test }) => {
      const startMs = performance.now();
      const isMatch = test();
      const ms = performance.now() - startMs;
      if (ms > (this.worst.get(rule.path)?.ms ?? 0)) this.worst.set(rule.path, { record, test, ms });
      return isMatch ? [rule.path] : [];
    });
  }

  medianMs({ record, test }: { record: SigmaRecord; test: RecordTest }): number {
    const times = Array.from({ length: EVALUATIONS }, () => {
      this.#evaluator.load(record);
      const startMs = performance.now();
      test();
      return performance.now() - startMs;
    });
    return times.sort((a, b) => a - b)[EVALUATIONS >> 1] as number;
  }
}

describe('the plan of all public rules', () => {
  const rules = publicRules();
  const matcher = new SigmaMatcher(rules);
  const inTurn = new InTurn(rules);
  const compare = (data: SigmaRecord['data']): number => {
    const wanted = inTurn.match({ type: null, data });
    const found = matcher.match({ type: null, data }).map(({ rule: { path } }) => path);
    if (found.join() !== wanted.join()) throw new Error(`${JSON.stringify(data)}: ${found.join()} | ${wanted.join()}`);
    return found.length;
  };

  it('finds on every event of the recordings what each rule in turn finds', () => {
    const paths = (readdirSync(RECORDINGS, { recursive: true }) as string[]).filter((path) =>
      path.endsWith('.jsonl.gz'),
    );
    let events = 0;
    let matches = 0;
    for (const path of paths.sort()) {
      for (const line of linesOf(resolve(RECORDINGS, path))) {
        matches += compare(JSON.parse(line) as SigmaRecord['data']);
        events++;
      }
    }
    console.info(`plan: ${events} events of recordings, ${matches} matches`);
    expect(events).toBeGreaterThan(258_000);
    expect(matches).toBeGreaterThan(1_000);
  }, 900_000);

  it('finds on every regression event what each rule in turn finds', () => {
    const path = resolve(DATA, 'sigma/regression.jsonl.gz');
    expect(existsSync(path)).toBe(true);
    const files = linesOf(path).map((line) => JSON.parse(line) as { events: SigmaRecord['data'][] });
    let matches = 0;
    for (const { events } of files) for (const data of events) matches += compare(data);
    console.info(`plan: ${files.length} regression files, ${matches} matches`);
    expect(matches).toBeGreaterThanOrEqual(files.length);
  });

  it('has no rule that takes long on the event that is worst for it', () => {
    const medians = [...inTurn.worst].map(([path, worst]) => ({ path, medianMs: inTurn.medianMs(worst) }));
    medians.sort((one, other) => other.medianMs - one.medianMs);
    console.info(`worst events: ${JSON.stringify(medians.slice(0, 5))} of ${medians.length} rules`);
    expect(medians.filter(({ medianMs }) => medianMs > MEDIAN_MS_MAX)).toEqual([]);
  });
});
