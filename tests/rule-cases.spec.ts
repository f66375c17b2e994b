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

describe('hospital rule pack', () => {
  it('holds rules', () => expect(files.length).toBeGreaterThanOrEqual(5));

  describe.each(files.map((file) => [file.path, file] as const))('%s', (_, file) => {
    const set = compileSigma([file], { placeholders });
    const documents = [...set.rules, ...set.correlations];

    it('compiles, and its check finds nothing', () => {
      expect([set.problems, set.warnings]).toEqual([[], []]);
      for (const check of checkRules(set, (event) => void validator.check(event)))
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

    const raising = set.correlations.length > 0 ? set.correlations : set.rules;
    it('says what happened and what to do, without gaps', () => {
      for (const document of raising) {
        expect(Object.keys(document.wording)).toEqual(
          expect.arrayContaining(['why', 'nextStep', 'harmlessExplanation', 'confidence', 'entities']),
        );
        for (const ruleCase of parseRuleCases(document).cases.filter(isPositive)) {
          const results: PipelineResult[] = [];
          from(withEnd(caseLog(ruleCase)))
            .pipe(buildPipeline({ rules: set, declarations }).results)
            .subscribe((result) => results.push(result));
          const found = results.filter((result): result is DetectionResult => result.kind === 'detection');
          expect(found.length).toBe(results.length);
          expect(found.length).toBeGreaterThan(0);
          for (const { detection } of found)
            expect(`${detection.why}${detection.nextStep}`).not.toMatch(/unknown|[{}]/);
        }
      }
    });
  });
});
