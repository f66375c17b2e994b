import {
  EVENT_BYTES_MAX,
  EventValidator,
  canonicalJson,
  eventRegistry,
  type Detection,
  type ProtegoEvent,
} from '@protego/contracts';
import fc from 'fast-check';
import { buildDetection, type RuleIdentity } from './detection-builder';
import { ENGINE_SOURCE, EVIDENCE_SEQS_MAX, isOutputType, outputEventOf, outputIdOf } from './output-events';
import type { DetectionResult, MistimedResult, RuleFailedResult } from './result';
import type { EventRef } from './sigma/correlation-window';
import { START_MS, jsonCopy, loggedEvent } from './testing';

const validator = new EventValidator(eventRegistry);
const CHECKPOINT = { size: 20_000, rootHash: 'c'.repeat(64) };
const INPUT = loggedEvent({ id: 'e1', seq: 41, timeMs: START_MS, arrivedAtMs: START_MS + 5_000 });
const bytesOf = (event: ProtegoEvent): number => Buffer.byteLength(canonicalJson(event));

function resultOf(refCount: number, { text = 'anna', firstSeq = 0, startMs = START_MS } = {}): DetectionResult {
  const fields = Array.from({ length: 16 }, (_, n) => ({ kind: `${n}${text.repeat(40)}`, field: `f${n}` }));
  const words = fields.map(({ field }) => `{${field}}`).join(' ');
  const rule: RuleIdentity = {
    id: 'rule-1',
    contentHash: 'a'.repeat(64),
    title: text.repeat(50),
    level: 'high',
    attack: Array.from({ length: 200 }, (_, n) => `${n}${text.repeat(40)}`),
    falsePositives: [],
    wording: { why: words, nextStep: words, harmlessExplanation: words, entities: fields },
  };
  const refs = Array.from({ length: refCount }, (_, n): EventRef => [firstSeq + n, 'ehr', `e${n}`]);
  const endMs = startMs + 1;
  return buildDetection({
    rule,
    groupKey: '[]',
    startMs,
    endMs,
    certainAtMs: startMs,
    refs,
    textOf: (name) => `${text.repeat(60)}${name}`,
    timing: 'on-time',
  });
}
const late = (changes: Partial<MistimedResult> = {}): MistimedResult => ({
  kind: 'late',
  event: INPUT,
  watermarkMs: START_MS,
  ...changes,
});
const failed = (message: string): RuleFailedResult => ({
  kind: 'rule-failed',
  ruleId: 'rule-1',
  message,
  event: INPUT,
});

/** An event as it would come out of the log again: checked, and unchanged by canonical JSON. */
function checked(event: ProtegoEvent): ProtegoEvent {
  expect(JSON.parse(canonicalJson(event))).toEqual(jsonCopy(event));
  expect(bytesOf(event)).toBeLessThanOrEqual(EVENT_BYTES_MAX);
  return validator.check(event).event;
}

describe('outputEventOf', () => {
  it('makes an event of a detection, with its evidence, at the time at which it became certain', () => {
    const result = resultOf(3, { firstSeq: 5 });
    const event = checked(outputEventOf(result, 'north', CHECKPOINT));
    expect(event).toMatchObject({
      id: result.detection.id,
      source: ENGINE_SOURCE,
      type: 'detection.raised',
      time: result.detection.certainAt,
      site: 'north',
      dataschema: 'urn:protego:detection.raised@1',
      data: { eventCount: 3, evidence: { seqs: [5, 6, 7], checkpoint: CHECKPOINT } },
    });
  });

  it('names the latest thousand of 10,000 contributing events, and how many there were', () => {
    const { data } = checked(outputEventOf(resultOf(10_000), 'north', CHECKPOINT));
    const { eventCount, evidence } = data as unknown as Detection;
    expect([eventCount, evidence?.seqs.length, evidence?.seqs[0]]).toEqual([10_000, EVIDENCE_SEQS_MAX, 9_000]);
  });

  it('stays within the limit of an event, whatever the values are and however great the sequence numbers', () => {
    const unit = fc.constantFrom('\u0000', '"', '\\', '\u4e2d', '\u{1f600}', '\u2028', '\n', 'x');
    fc.assert(
      fc.property(
        fc.string({ unit, minLength: 1, maxLength: 6 }),
        fc.constantFrom(1, 1_000, 10_000),
        (text, refCount) => {
          const firstSeq = Number.MAX_SAFE_INTEGER - refCount;
          const { data } = checked(outputEventOf(resultOf(refCount, { text, firstSeq }), 's'.repeat(64), CHECKPOINT));
          expect((data as unknown as Detection).evidence?.seqs.length).toBeGreaterThanOrEqual(Math.min(refCount, 500));
        },
      ),
      { numRuns: 30, examples: [['\u4e2d'.repeat(6), 10_000]] },
    );
  });

  it('can write the window of an event at the last instant that RFC 3339 has', () => {
    checked(outputEventOf(resultOf(1, { startMs: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), 'north', CHECKPOINT));
  });

  it.each([
    ['late', 'pipeline.event-came-late'],
    ['skewed', 'pipeline.event-skewed'],
  ] as const)('makes an event of a %s one that names it, not what it holds', (kind, type) => {
    const event = checked(outputEventOf(late({ kind }), 'north', CHECKPOINT));
    expect(event).toMatchObject({ type, source: ENGINE_SOURCE, time: '2026-03-02T07:00:05.000Z' });
    expect(event.data).toEqual({
      seq: 41,
      source: 'ehr',
      id: 'e1',
      time: '2026-03-02T07:00:00.000Z',
      arrivedAt: '2026-03-02T07:00:05.000Z',
      watermark: '2026-03-02T07:00:00.000Z',
    });
  });

  it('leaves the watermark out where there was none', () => {
    const { data } = checked(outputEventOf(late({ watermarkMs: Number.NEGATIVE_INFINITY }), 'north', CHECKPOINT));
    expect(data).not.toHaveProperty('watermark');
  });

  it('makes an event of a rule that failed, its message cut to well-formed text', () => {
    const message = 'x'.repeat(999) + '\u{1f600}';
    const event = checked(outputEventOf(failed(message), 'north', CHECKPOINT));
    expect(event).toMatchObject({
      type: 'pipeline.rule-failed',
      data: { seq: 41, ruleId: 'rule-1', message: `${'x'.repeat(999)}\ufffd` },
    });
  });
});

describe('outputIdOf', () => {
  it('depends on what was found and the event, not on where it stands in which log', () => {
    const moved = { ...INPUT, seq: 99 as typeof INPUT.seq, arrivedAtMs: START_MS + 9_000 };
    expect(outputIdOf(late({ event: moved }))).toBe(outputIdOf(late()));
    const ids = [
      late(),
      late({ kind: 'skewed' }),
      failed('a'),
      { ...failed('a'), ruleId: 'rule-2' },
      late({ event: loggedEvent({ id: 'e2', timeMs: START_MS }) }),
      late({ event: loggedEvent({ id: 'e1', timeMs: START_MS, source: 'pacs' }) }),
    ].map(outputIdOf);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('isOutputType', () => {
  it('is true for what the pipeline makes, and for nothing that it reads', () => {
    expect(['detection.raised', 'pipeline.rule-failed', 'pipeline.event-came-late'].every(isOutputType)).toBe(true);
    expect(['device.joined', 'clock.ticked', 'log.session-opened', 'detections.raised'].some(isOutputType)).toBe(false);
  });
});
