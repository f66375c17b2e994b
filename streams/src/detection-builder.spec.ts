import fc from 'fast-check';
import { buildDetection, placeholdersOf, type Finding, type RuleIdentity } from './detection-builder';
import { START_MS } from './testing';

const RULE: RuleIdentity = {
  id: 'rule-1',
  contentHash: 'a'.repeat(64),
  title: 'A rule',
  level: 'high',
  attack: ['T1078'],
  falsePositives: [],
  wording: { why: '{who} did it.', nextStep: 'Ask {who}.', harmlessExplanation: 'A test.', confidence: 'high' },
};

function findingOf(
  changes: Partial<Finding> = {},
  values: Readonly<Record<string, string>> = { who: 'anna' },
): Finding {
  return {
    rule: RULE,
    groupKey: '["anna"]',
    startMs: START_MS,
    endMs: START_MS + 60_000,
    certainAtMs: START_MS + 59_999,
    refs: [
      [7, 'ehr', 'e1'],
      [3, 'ehr', 'e2'],
    ],
    textOf: (name) => (Object.hasOwn(values, name) ? values[name] : undefined),
    timing: 'on-time',
    ...changes,
  };
}
const detectionOf = (changes: Partial<Finding> = {}, values?: Readonly<Record<string, string>>) =>
  buildDetection(findingOf(changes, values)).detection;
const withWording = (wording: RuleIdentity['wording'], changes: Partial<RuleIdentity> = {}): Partial<Finding> => ({
  rule: { ...RULE, ...changes, wording },
});

describe('buildDetection', () => {
  it('says what was found, without evidence, and names the events by ascending sequence number', () => {
    expect(buildDetection(findingOf())).toEqual({
      kind: 'detection',
      certainAtMs: START_MS + 59_999,
      seqs: [3, 7],
      detection: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        ruleId: 'rule-1',
        ruleHash: RULE.contentHash,
        title: 'A rule',
        severity: 'high',
        confidence: 'high',
        entities: [],
        window: { start: '2026-03-02T07:00:00.000Z', end: '2026-03-02T07:01:00.000Z' },
        certainAt: '2026-03-02T07:00:59.999Z',
        why: 'anna did it.',
        nextStep: 'Ask anna.',
        harmlessExplanation: 'A test.',
        attack: ['T1078'],
        eventCount: 2,
        status: 'raised',
      },
    });
  });

  describe('id', () => {
    const id = detectionOf().id;

    it('does not depend on sequence numbers, words, values or timing', () => {
      const same: Partial<Finding>[] = [
        {
          refs: [
            [70, 'ehr', 'e1'],
            [30, 'ehr', 'e2'],
          ],
        },
        withWording({ why: 'Other words.' }),
        { textOf: () => 'other' },
        { timing: 'late' },
        { certainAtMs: START_MS },
      ];
      for (const changes of same) expect(detectionOf(changes).id).toBe(id);
    });

    it('depends on rule, content, group, window and events', () => {
      const other: Partial<Finding>[] = [
        withWording(RULE.wording, { id: 'rule-2' }),
        withWording(RULE.wording, { contentHash: 'b'.repeat(64) }),
        { groupKey: '["bo"]' },
        { startMs: START_MS + 1 },
        { endMs: START_MS + 1 },
        { refs: [[7, 'ehr', 'e1']] },
        {
          refs: [
            [7, 'ehr', 'e1'],
            [3, 'ehr', 'e3'],
          ],
        },
        {
          refs: [
            [7, 'ehr', 'e1'],
            [3, 'pacs', 'e2'],
          ],
        },
      ];
      const ids = other.map((changes) => detectionOf(changes).id);
      expect(new Set([id, ...ids]).size).toBe(other.length + 1);
    });
  });

  it('marks what rests on a late or skewed event', () => {
    expect([detectionOf({ timing: 'late' }).timing, detectionOf({ timing: 'skewed' }).timing]).toEqual([
      'late',
      'skewed',
    ]);
    expect(detectionOf()).not.toHaveProperty('timing');
  });

  describe('words', () => {
    it('puts `unknown` where no value is known, also for names that objects have of their own', () => {
      const { why } = detectionOf(withWording({ why: '{who}, {where}, {constructor}.' }));
      expect(why).toBe('anna, unknown, unknown.');
    });

    it('does not fill placeholders that a value brings in', () => {
      expect(detectionOf({}, { who: '{secret} $& $1', secret: 'x' }).why).toBe('{secret} $& $1 did it.');
    });

    it('takes braces as text where a rule gives no words of its own', () => {
      const rule = { description: 'Class {who} was registered.', falsePositives: ['Setup of {who}'] };
      const { why, harmlessExplanation } = detectionOf(withWording({}, rule));
      expect(why).toBe('Class {who} was registered.');
      expect(harmlessExplanation).toBe('It may be harmless: Setup of {who}.');
    });

    it('falls back on description, then title, and on what fits the severity', () => {
      expect(detectionOf(withWording({}, { description: 'Described.' }))).toMatchObject({
        why: 'Described.',
        confidence: 'medium',
      });
      expect(detectionOf(withWording({}))).toMatchObject({
        why: 'A rule',
        nextStep: 'Call the security desk now and keep the device as it is.',
        harmlessExplanation: 'No harmless explanation is recorded for this rule.',
      });
    });

    it('leaves out false positives that say nothing', () => {
      const { harmlessExplanation } = detectionOf(
        withWording({}, { falsePositives: ['Unknown', 'Backups', 'none.', 'Tests'] }),
      );
      expect(harmlessExplanation).toBe('It may be harmless: Backups; Tests.');
    });

    it('cuts values at 200 characters, also in the middle of a surrogate pair', () => {
      expect(detectionOf({}, { who: 'x'.repeat(200) }).why).toBe(`${'x'.repeat(200)} did it.`);
      expect(detectionOf({}, { who: 'x'.repeat(201) }).why).toBe(`${'x'.repeat(200)}… did it.`);
      expect(detectionOf({}, { who: 'x'.repeat(199) + '\u{1f600}y' }).why).toBe(`${'x'.repeat(199)}\ufffd… did it.`);
    });

    it('shows control characters of a value as replaced, new lines and tabs among them', () => {
      expect(detectionOf({}, { who: 'a\u001b[31m\u0000\u009bb\n\tc' }).why).toBe(
        'a\ufffd[31m\ufffd\ufffdb\ufffd\ufffdc did it.',
      );
    });

    it('stays within its bounds and well formed, whatever the values are', () => {
      const text = fc.string({ unit: 'binary', maxLength: 400 }).map((value) => value + value.slice(0, 1));
      fc.assert(
        fc.property(text, fc.string({ unit: 'binary' }), (who, title) => {
          const wording = { why: '{who} '.repeat(50), entities: [{ kind: 'person', field: 'who' }] };
          const detection = detectionOf(withWording(wording, { title }), { who });
          expect(JSON.stringify(detection).isWellFormed()).toBe(true);
          for (const { id } of detection.entities) expect(id.length).toBeLessThanOrEqual(201);
          expect(detection.why.length).toBeLessThanOrEqual(2_001);
          expect([detection.why, detection.title].every((each) => each.isWellFormed())).toBe(true);
        }),
      );
    });
  });

  describe('entities', () => {
    it('are those of the rule, in its order, each once, and none without a value', () => {
      const entities = ['a', 'b', 'none', 'empty', 'c'].map((field) => ({ kind: 'person', field }));
      expect(detectionOf(withWording({ entities }), { a: 'bo', b: 'anna', c: 'bo', empty: '' }).entities).toEqual([
        { kind: 'person', id: 'bo' },
        { kind: 'person', id: 'anna' },
      ]);
    });

    it('are named once also when they are cut', () => {
      const entities = ['a', 'b'].map((field) => ({ kind: 'person', field }));
      expect(detectionOf(withWording({ entities }), { a: 'x'.repeat(300), b: 'x'.repeat(300) }).entities).toHaveLength(
        1,
      );
    });

    it('come from well-known fields where the rule names none', () => {
      expect(detectionOf({}, { 'device.uid': 'pump-1', 'actor.user.uid': 'anna', Computer: 'ws-1' }).entities).toEqual([
        { kind: 'device', id: 'pump-1' },
        { kind: 'person', id: 'anna' },
        { kind: 'host', id: 'ws-1' },
      ]);
    });

    it('are at most sixteen', () => {
      const entities = Array.from({ length: 20 }, (_, n) => ({ kind: `k${n}`, field: 'who' }));
      expect(detectionOf(withWording({ entities })).entities).toHaveLength(16);
    });
  });
});

describe('placeholdersOf', () => {
  it('names each placeholder once', () => {
    expect(placeholdersOf('{a} and {b.c} and {a}, {} and {{d}')).toEqual(['a', 'b.c', 'd']);
  });
});
