import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  EventValidator,
  dataschemaOf,
  eventRegistry,
  formatRfc3339,
  parseRfc3339Ms,
  type EventSeq,
  type LoggedEvent,
  type ProtegoEvent,
} from '@protego/contracts';
import { loadSourceDeclarations } from '@protego/artefacts';
import { SigmaMatcher, buildPipeline, compileSigma, type DetectionResult, type PipelineResult } from '@protego/streams';
import { from } from 'rxjs';
import { parse } from 'yaml';

const RULES_DIR = join(__dirname, '..', 'streams', 'rules');
const DECLARATIONS = loadSourceDeclarations(join(__dirname, '..', 'streams'));

interface CaseEvent {
  readonly type: string;
  readonly time?: string;
  readonly data: Record<string, unknown>;
  readonly repeat?: { readonly count: number; readonly everyMs: number; readonly set?: Record<string, string> };
}

interface RuleCase {
  readonly name: string;
  readonly events: readonly CaseEvent[];
  readonly expect: 'match' | 'no-match' | { readonly detections: number };
}

function setPath(data: Record<string, unknown>, path: string, value: string): void {
  const keys = path.split('.');
  const last = keys.pop() as string;
  let at = data;
  for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>;
  at[last] = value;
}

function expand({
  type,
  time = '2026-03-02T07:00:00.000Z',
  data,
  repeat,
}: CaseEvent): { timeMs: number; type: string; data: Record<string, unknown> }[] {
  const startMs = parseRfc3339Ms(time) as number;
  return Array.from({ length: repeat?.count ?? 1 }, (_, i) => {
    const copy = structuredClone(data);
    for (const [path, text] of Object.entries(repeat?.set ?? {}))
      setPath(copy, path, text.replaceAll('{n}', String(i + 1)));
    return { timeMs: startMs + i * (repeat?.everyMs ?? 0), type, data: copy };
  });
}

function logged(events: readonly CaseEvent[]): LoggedEvent[] {
  const expanded = events.flatMap(expand).sort((a, b) => a.timeMs - b.timeMs);
  const records = expanded.map(({ timeMs, type, data }, i) => loggedEvent(i, timeMs, type, data));
  const endMs = (records.at(-1)?.timeMs ?? 0) + 86_400_000;
  return [...records, loggedEvent(records.length, endMs, 'clock.ticked', {})];
}

function loggedEvent(seq: number, timeMs: number, type: string, data: Record<string, unknown>): LoggedEvent {
  const event: ProtegoEvent = {
    specversion: '1.0',
    id: `case-${seq}`,
    source: 'case',
    type,
    time: formatRfc3339(timeMs),
    site: 'general-hospital',
    dataschema: dataschemaOf(type, 1),
    data,
  };
  return { seq: seq as EventSeq, timeMs, arrivedAtMs: timeMs, event };
}

function detectionsOf(rules: ReturnType<typeof compileSigma>, events: readonly LoggedEvent[]): DetectionResult[] {
  const results: PipelineResult[] = [];
  from(events)
    .pipe(buildPipeline({ rules, declarations: DECLARATIONS }).results)
    .subscribe((result) => results.push(result));
  expect(results.filter(({ kind }) => kind !== 'detection')).toEqual([]);
  return results as DetectionResult[];
}

const validator = new EventValidator(eventRegistry);
const names = readdirSync(RULES_DIR).filter((name) => name.endsWith('.yml') && !name.endsWith('.cases.yml'));

describe('hospital rule pack', () => {
  it('holds rules, and cases for each', () => {
    expect(names.length).toBeGreaterThanOrEqual(5);
    const cased = readdirSync(RULES_DIR).filter((name) => name.endsWith('.cases.yml'));
    expect(cased.map((name) => name.replace('.cases.yml', '.yml')).sort()).toEqual([...names].sort());
  });

  describe.each(names)('%s', (name) => {
    const rules = compileSigma([{ path: name, text: readFileSync(join(RULES_DIR, name), 'utf8') }]);
    const cases = parse(readFileSync(join(RULES_DIR, name.replace('.yml', '.cases.yml')), 'utf8')) as RuleCase[];

    it('compiles without problem or warning, and says what to do', () => {
      expect(rules.problems).toEqual([]);
      expect(rules.warnings).toEqual([]);
      const raising = rules.correlations.length > 0 ? rules.correlations : rules.rules;
      for (const { wording } of raising)
        expect(Object.keys(wording)).toEqual(
          expect.arrayContaining(['why', 'nextStep', 'harmlessExplanation', 'confidence', 'entities']),
        );
    });

    it('has cases that must and that must not match', () => {
      const finds = cases.map(({ expect: expected }) =>
        typeof expected === 'string' ? expected === 'match' : expected.detections > 0,
      );
      expect(new Set(finds)).toEqual(new Set([true, false]));
    });

    it.each(cases.map((ruleCase) => [ruleCase.name, ruleCase] as const))('%s', (_, { events, expect: expected }) => {
      const records = logged(events);
      for (const { event } of records) validator.check(event);
      const found = detectionsOf(rules, records);
      for (const { detection } of found) expect(`${detection.why}${detection.nextStep}`).not.toMatch(/unknown|[{}]/);
      if (typeof expected === 'object') expect(found).toHaveLength(expected.detections);
      else {
        const matcher = new SigmaMatcher(rules.rules);
        const matched = records
          .slice(0, -1)
          .map(({ event }) => matcher.match({ type: event.type, data: event.data }).length > 0);
        expect(new Set(matched)).toEqual(new Set([expected === 'match']));
        expect(found).toHaveLength(expected === 'match' ? matched.length : 0);
      }
    });
  });
});
