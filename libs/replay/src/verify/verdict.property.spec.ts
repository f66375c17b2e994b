import type { Detection } from '@protego/contracts';
import { merkleRootOf } from '@protego/event-log';
import { compileSigma } from '@protego/streams';
import * as fc from 'fast-check';
import { compareAfter, replay, type Files, type Happening } from './testing/erased-history';

const RULE = (name: string, person: string): string => `
title: ${name}
id: ${name}
name: ${name}
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid: ${person} }, condition: selection }
level: low
`;
const OVER = (id: string, correlation: string): string => `
title: ${id}
id: ${id}
name: ${id}
correlation: { ${correlation}, timespan: 1m, generate: true }
level: low
`;
const BY = 'group-by: [device.uid]';
const rules = compileSigma([
  {
    path: 'r.yml',
    text: [
      RULE('root', 'root'),
      RULE('anna', 'anna'),
      OVER('count', `type: event_count, rules: [root], ${BY}, condition: { gte: 2 }`),
      OVER('everywhere', 'type: event_count, rules: [root], condition: { gt: 2 }'),
      OVER('devices', 'type: value_count, rules: [root], condition: { field: device.uid, gte: 2 }'),
      OVER('few', `type: event_count, rules: [root], ${BY}, condition: { lt: 3 }`),
      OVER('both', `type: temporal, rules: [root, anna], ${BY}`),
      OVER('ordered', `type: temporal_ordered, rules: [root, anna], ${BY}`),
      OVER('one', `type: temporal, rules: [root, anna], ${BY}, condition: root and not anna`),
      `${OVER('quiet', `type: event_count, rules: [root], ${BY}, condition: { gte: 2 }`)}protego: { suppress: 3m }\n`,
      OVER('chained', `type: event_count, rules: [count], ${BY}, condition: { gte: 2 }`),
      OVER('together', `type: temporal, rules: [count, both], ${BY}`),
    ].join('---'),
  },
]);

const history = fc
  .array(fc.tuple(fc.nat(45), fc.constantFrom('pump-1', 'pump-2'), fc.constantFrom('root', 'root', 'anna', 'eva')), {
    minLength: 2,
    maxLength: 24,
  })
  .map((steps) => {
    let atS = 0;
    const happenings = steps.map(([gapS, device, who]): Happening => [(atS += gapS), device, who]);
    return [...happenings, [atS + 3_600, 'pump-9', 'eva'] as const];
  });
const erased = fc.uniqueArray(fc.nat(23), { minLength: 1, maxLength: 6 });

/** Files of a run in which one detection is missing, and everything fits all the same. */
function withoutLine(files: Files, gone: string): Files {
  const { detections = [], evidence = [], manifest } = files;
  const isKept = (_: string, at: number): boolean => detections[at] !== gone;
  const kept = detections.filter(isKept);
  const byRule: Record<string, number> = {};
  for (const line of kept) {
    const { ruleId } = JSON.parse(line) as Detection;
    byRule[ruleId] = (byRule[ruleId] ?? 0) + 1;
  }
  const counts = { ...manifest.counts, detections: kept.length, byRule };
  return {
    ...files,
    ...{ detections: kept, evidence: evidence.filter(isKept) },
    manifest: { ...manifest, counts, outputHash: merkleRootOf(kept) },
  };
}

describe('compareRuns, of any history', () => {
  it('compiles all rules', () => expect(rules.problems).toEqual([]));

  it('never takes what an erasure brought about for a forgery', async () => {
    await fc.assert(
      fc.asyncProperty(history, erased, async (happenings, seqs) => {
        const { verdict, differing, first } = await compareAfter(rules, happenings, (seq) => seqs.includes(seq));
        expect({ verdict, differing, first }).toMatchObject({
          verdict: expect.not.stringMatching('DIFFERS') as string,
        });
      }),
      { numRuns: 150 },
    );
  });

  it('misses no line of a rule or device that was deleted and that no erasure touches', async () => {
    await fc.assert(
      fc.asyncProperty(history, erased, fc.nat(), async (happenings, seqs, choice) => {
        const isErased = (seq: number): boolean => seqs.includes(seq) && happenings[seq]?.[1] === 'pump-2';
        const again = new Set((await replay(rules, happenings, isErased)).detections);
        const lines = ((await replay(rules, happenings)).detections ?? []).filter((line) => {
          const { ruleId, group } = JSON.parse(line) as Detection;
          return again.has(line) && (group === undefined ? ruleId === 'root' : group[0]?.text === 'pump-1');
        });
        const gone = lines[choice % lines.length];
        fc.pre(gone !== undefined);
        const change = (files: Files): Files => withoutLine(files, gone as string);
        const compared = await compareAfter(rules, happenings, isErased, change);
        expect(compared).toMatchObject({ verdict: 'DIFFERS', differing: 1, first: { side: 'again', line: gone } });
      }),
      { numRuns: 100 },
    );
  });
});
