import { SigmaMatcher, compileSigma, type SigmaRecord, type SigmaRule } from '@protego/streams';
import { plainTest, type PlainTest } from './plain-test';

interface PlainRule {
  readonly rule: SigmaRule;
  readonly test: PlainTest;
}

/**
 * The straightforward way to match: for each kind of record the rules written for it, one after the other, each a tree of
 * closures that knows nothing of the others. Which rules those are is found out beforehand and costs nothing here.
 */
export class RulesInTurn {
  readonly #routes = new Map<string, readonly PlainRule[]>();

  constructor(rules: readonly SigmaRule[], records: readonly SigmaRecord[]) {
    const logsources = [...new Set(rules.map(logsourceKey))];
    const probes = new SigmaMatcher(compileSigma(logsources.map(probeOf)).rules);
    const plain = rules.map((rule) => ({ rule, test: plainTest(rule) }));
    for (const record of records) {
      const route = routeKey(record);
      if (this.#routes.has(route)) continue;
      const agreeing = new Set(probes.match(record).map(({ rule }) => rule.path));
      this.#routes.set(
        route,
        plain.filter(({ rule }) => agreeing.has(logsourceKey(rule))),
      );
    }
  }

  /** Rules that match, in their order. */
  match(record: SigmaRecord): SigmaRule[] {
    const matches: SigmaRule[] = [];
    for (const { rule, test } of this.#routes.get(routeKey(record)) ?? []) if (test(record)) matches.push(rule);
    return matches;
  }
}

function routeKey({ data }: SigmaRecord): string {
  return `${String(data['Channel'])}\n${String(data['EventID'])}`;
}

function logsourceKey({ logsource }: SigmaRule): string {
  return JSON.stringify(logsource);
}

/** A rule for one log source that every record of it matches; its path says which. */
function probeOf(logsource: string): { path: string; text: string } {
  const detection = '{ selection: { a-field-that-no-record-has: null }, condition: selection }';
  return { path: logsource, text: `title: probe\nid: probe\nlogsource: ${logsource}\ndetection: ${detection}\n` };
}
