import { join } from 'node:path';
import { loadPlaceholders, loadRuleFiles, loadSourceDeclarations } from '@protego/artefacts';
import { EventValidator, eventRegistry, formatRfc3339, type EventSeq, type LoggedEvent } from '@protego/contracts';
import {
  buildPipeline,
  caseLog,
  checkRules,
  compileSigma,
  parseRuleCases,
  type DetectionResult,
  type PipelineResult,
  type RuleCase,
} from '@protego/streams';
import { from } from 'rxjs';

const STREAMS = join(__dirname, '..', 'streams');
const declarations = loadSourceDeclarations(STREAMS);
const placeholders = loadPlaceholders(join(STREAMS, 'declarations', 'placeholders.yaml'));
const validator = new EventValidator(eventRegistry);
const files = loadRuleFiles(join(STREAMS, 'rules'));
const isPositive = ({ expectation }: RuleCase): boolean =>
  expectation.kind === 'match' ? expectation.isWanted : expectation.count > 0;

/** The events of a case, and time enough after them for every window to be decided. */
function withEnd(events: readonly LoggedEvent[]): LoggedEvent[] {
  const timeMs = (events.at(-1)?.timeMs ?? 0) + 86_400_000;
  const site = 'general-hospital';
  const tick = { specversion: '1.0', id: 'end', source: 'protego', type: 'clock.ticked', site, data: {} } as const;
  const end = {
    seq: events.length as EventSeq,
    timeMs,
    arrivedAtMs: timeMs,
    event: { ...tick, time: formatRfc3339(timeMs) },
  };
  return [...events, end];
}

// Correlations may be about rules of other files, so that the pack is read as a whole.
const pack = compileSigma(files, { placeholders });
const checks = [...checkRules(pack, (event) => void validator.check(event))];
/** What raises nothing on its own, because correlations are about it. */
const blocks = new Set(pack.linked.flatMap(({ correlation, members }) => (correlation.generate ? [] : members)));

describe('hospital rule pack', () => {
  it('holds rules, and all of them compile', () => {
    expect(pack.rules.length + pack.correlations.length).toBeGreaterThanOrEqual(60);
    expect([pack.problems, pack.warnings]).toEqual([[], []]);
  });

  describe.each(files.map(({ path }) => path))('%s', (path) => {
    const documents = [...pack.rules, ...pack.correlations].filter((document) => document.path === path);

    it('holds rules, and its check finds nothing', () => {
      expect(documents.length).toBeGreaterThan(0);
      for (const check of checks.filter(({ document }) => document.path === path))
        expect([check.caseProblems, check.neverFires, check.warnings]).toEqual([[], undefined, []]);
    });

    it.each(documents.map((document) => [document.title, document] as const))(
      '%s: has cases of both kinds',
      (__, document) => {
        const { cases, problems } = parseRuleCases(document);
        expect(problems).toEqual([]);
        expect(cases.filter(isPositive).length).toBeGreaterThanOrEqual(2);
        expect(cases.filter((each) => !isPositive(each)).length).toBeGreaterThanOrEqual(2);
      },
    );

    it('says what happened and what to do, without gaps', () => {
      for (const document of documents.filter((each) => !blocks.has(each))) {
        expect(Object.keys(document.wording)).toEqual(
          expect.arrayContaining(['why', 'nextStep', 'harmlessExplanation', 'confidence', 'entities']),
        );
        for (const ruleCase of parseRuleCases(document).cases.filter(isPositive)) {
          const found = detectionsOf(ruleCase).filter(({ detection }) => detection.ruleId === document.id);
          expect(found.length).toBeGreaterThan(0);
          for (const { detection } of found)
            expect(`${detection.why}${detection.nextStep}`).not.toMatch(/unknown|[{}]/);
        }
      }
    });
  });
});

/** What the whole pack finds in the events of a case; it finds detections only. */
function detectionsOf(ruleCase: RuleCase): DetectionResult[] {
  const results: PipelineResult[] = [];
  from(withEnd(caseLog(ruleCase)))
    .pipe(buildPipeline({ rules: pack, declarations }).results)
    .subscribe((result) => results.push(result));
  const found = results.filter((result): result is DetectionResult => result.kind === 'detection');
  expect(found.length).toBe(results.length);
  return found;
}
