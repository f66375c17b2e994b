import type { LoggedEvent } from '@protego/contracts';
import fc from 'fast-check';
import { DetectorStage } from '../detectors/detector-stage';
import { oneOfMany, type Detector } from '../detectors/detector';
import type { Fact } from '../detectors/facts';
import type { Json, StreamElement } from '../operators/stream-element';
import type { DetectionResult, PipelineResult } from '../result';
import { collect, eventElement, jsonCopy, shuffled, watermark } from './event-kit';

/** A detector with a history in which it finds something. */
export interface DetectorCase<K extends Fact['kind']> {
  readonly detector: Detector<K>;
  readonly history: readonly LoggedEvent[];
  /** Detections in it; at least one. */
  readonly foundCount: number;
  /** Name of a person or thing in the history that must not leave in clear, given a pseudonym. */
  readonly name?: string;
}

const END = watermark<LoggedEvent>(Number.POSITIVE_INFINITY);
const PSEUDONYM = '~s.AAAAAAAAAAAAAAAAAAAAAA';

/** The history as on-time events, and in the end a watermark after all of them. */
export function historyElements(history: readonly LoggedEvent[]): StreamElement<LoggedEvent>[] {
  return [...history.map((event) => eventElement(event, event.timeMs)), END];
}

/** All that a stage of one detector makes of elements. */
export function resultsOfDetector<K extends Fact['kind']>(
  detector: Detector<K>,
  elements: readonly StreamElement<LoggedEvent>[],
  stage = new DetectorStage([oneOfMany(detector)]),
): PipelineResult[] {
  return collect(stage.results(), elements);
}

/** The detections among {@link resultsOfDetector} of a whole history. */
export function foundBy<K extends Fact['kind']>(
  detector: Detector<K>,
  history: readonly LoggedEvent[],
): DetectionResult[] {
  return resultsOfDetector(detector, historyElements(history)).filter((result) => result.kind === 'detection');
}

/** What holds of every detector. */
export function describeDetector<K extends Fact['kind']>({
  detector,
  foundCount,
  name,
  ...given
}: DetectorCase<K>): void {
  // Ids are no place where names are looked for: whoever sends an event chooses them, and they stay.
  const history = given.history
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .map((each, index) => ({ ...each, event: { ...each.event, id: `event-${index}` } }));
  const newStage = (): DetectorStage => new DetectorStage([oneOfMany(detector)]);
  const found = foundBy(detector, history);

  it('finds what is there, in words without gaps', () => {
    expect(found).toHaveLength(foundCount);
    for (const { detection } of found) {
      expect(detection.ruleId).toBe(detector.rule.id);
      expect(`${detection.why}${detection.nextStep}${detection.harmlessExplanation}`).not.toMatch(
        /unknown|undefined|[{}]/,
      );
      expect(detection.entities.length).toBe(detector.rule.wording.entities?.length);
    }
  });

  it('finds the same for every order of arrival', () => {
    const events = history.map((event) => eventElement(event, event.timeMs));
    const order = fc.array(fc.nat(), { minLength: events.length, maxLength: events.length });
    fc.assert(
      fc.property(order, (keys) => {
        expect(resultsOfDetector(detector, [...shuffled(events, keys), END])).toEqual(found);
      }),
      { numRuns: 15 },
    );
  });

  it('finds the same however the watermark moves, and goes on from a snapshot at any place', () => {
    const elements = history.flatMap((event) => [
      watermark<LoggedEvent>(event.timeMs),
      eventElement(event, event.timeMs),
    ]);
    elements.push(END);
    const step = Math.ceil(elements.length / 12);
    for (let place = 0; place < elements.length; place += step) {
      const before = newStage();
      const results = resultsOfDetector(detector, elements.slice(0, place), before);
      const text = JSON.stringify(before.snapshot());
      const after = newStage();
      after.restore(jsonCopy(JSON.parse(text) as Json));
      results.push(...resultsOfDetector(detector, elements.slice(place), after));
      expect(results).toEqual(found);
      // Going on must not change what was written down before.
      expect(JSON.stringify(before.snapshot())).toBe(text);
    }
  });

  it('leaves late and skewed events out, and says which', () => {
    const mistimed = history.map((event, index) =>
      eventElement(event, event.timeMs, index % 2 === 0 ? 'late' : 'skewed'),
    );
    const results = resultsOfDetector(detector, [...mistimed, END]);
    const missed = results.flatMap((result) => (result.kind === 'missed' ? [result] : []));
    expect(missed).toHaveLength(results.length);
    expect(missed.some(({ ruleId }) => ruleId === detector.rule.id)).toBe(true);
    for (const { event, timing } of missed) expect(timing).toBe(history.indexOf(event) % 2 === 0 ? 'late' : 'skewed');
  });

  it('counts what it holds', () => {
    const stage = newStage();
    resultsOfDetector(detector, historyElements(history).slice(0, -1), stage);
    expect(stage.counters()['detectorsWaiting']).toBeGreaterThan(0);
    expect(Object.values(stage.counters()).every((count) => Number.isSafeInteger(count) && count >= 0)).toBe(true);
  });

  if (name === undefined) return;
  it('names persons by their pseudonyms, in what it finds and in what it holds', () => {
    const pseudonyms = new Map([[name, PSEUDONYM]]);
    const named = history.map((event) => ({ ...event, pseudonyms }));
    const stage = newStage();
    const results = resultsOfDetector(detector, historyElements(named).slice(0, -1), stage);
    expect(JSON.stringify([results, stage.snapshot()])).not.toContain(name);
    const atEnd = resultsOfDetector(detector, historyElements(named));
    expect(JSON.stringify(atEnd)).not.toContain(name);
    expect(JSON.stringify(atEnd)).toContain(PSEUDONYM);
  });
}
