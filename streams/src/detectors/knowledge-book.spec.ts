import type { EventData, LoggedEvent } from '@protego/contracts';
import { Subject } from 'rxjs';
import { buildPipeline, type PipelineOptions, type PipelineSnapshot } from '../pipeline';
import type { PipelineResult } from '../result';
import { compileSigma } from '../sigma';
import { START_MS, declarationsOf, loggedEvent } from '../testing';
import { KnowledgeReader, isKnowledgeType } from './knowledge-book';

const HOUR_MS = 3_600_000;
const ANNA = { uid: 'anna.lind', role: 'nurse', ward: 'surgery' };
const TOKEN = '~s.AAAAAAAAAAAAAAAAAAAAAA';

/** An event that came some time after it happened. */
function event(seq: number, type: string, afterMs: number, cameMs: number, data: EventData): LoggedEvent {
  const logged = loggedEvent({ id: `e${seq}`, timeMs: START_MS + afterMs, seq, type, data });
  return { ...logged, arrivedAtMs: START_MS + cameMs };
}

const read = (seq: number, cameMs: number): LoggedEvent =>
  event(seq, 'access.record-read', cameMs, cameMs, {
    actor: { user: ANNA },
    device: { uid: 'ws-1', type: 'workstation', ward: 'surgery' },
    patient: { uid: 'pt-anna' },
    purpose: 'treatment',
    care_relationship: false,
  });
/** That Anna is a patient here herself, as somebody wrote down hours after it was so. */
const assigned = (seq: number, cameMs: number): LoggedEvent =>
  event(seq, 'roster.person-assigned', 0, cameMs, { user: ANNA, resident: { patient_uid: 'pt-anna' } });
const tick = (seq: number, cameMs: number): LoggedEvent => event(seq, 'clock.ticked', cameMs, cameMs, {});

const HISTORY = [tick(0, 0), read(1, HOUR_MS), tick(2, 2 * HOUR_MS), assigned(3, 3 * HOUR_MS), tick(4, 4 * HOUR_MS)];
const ARTEFACTS = { rules: compileSigma([]), declarations: declarationsOf() };

function resultsOf(events: readonly LoggedEvent[], options: PipelineOptions, chunk = events.length): string[] {
  const told: string[] = [];
  const note = (result: PipelineResult): void =>
    void told.push(result.kind === 'detection' ? result.detection.ruleId : `${result.kind} ${textOf(result)}`);
  let snapshot: PipelineSnapshot | undefined;
  for (let at = 0; at < events.length; at += chunk) {
    const pipeline = buildPipeline(ARTEFACTS, snapshot, options);
    const input = new Subject<LoggedEvent>();
    const subscription = input.pipe(pipeline.results).subscribe(note);
    for (const each of events.slice(at, at + chunk)) input.next(each);
    subscription.unsubscribe();
    snapshot = JSON.parse(JSON.stringify(pipeline.snapshot())) as PipelineSnapshot;
  }
  return told;
}

const textOf = (result: Exclude<PipelineResult, { kind: 'detection' }>): string =>
  'ruleId' in result ? result.ruleId : result.event.event.id;

function bookOf(events: readonly LoggedEvent[]): ReturnType<KnowledgeReader['book']> {
  const reader = new KnowledgeReader();
  for (const each of events) reader.take(each);
  return reader.book();
}

describe('knowledge as of now', () => {
  it('judges an event with what came to be known after it, which knowledge as of then does not', () => {
    expect(resultsOf(HISTORY, {})).toEqual(['late e3', 'missed knowledge']);
    expect(resultsOf(HISTORY, { knowledge: bookOf(HISTORY) })).toEqual(['snooping-self', 'late e3']);
  });

  it('is in force from its own time on, not before', () => {
    const before = { ...read(1, HOUR_MS), timeMs: START_MS - HOUR_MS };
    const events = [tick(0, -HOUR_MS), before, ...HISTORY.slice(2)];
    expect(resultsOf(events, { knowledge: bookOf(events) })).not.toContain('snooping-self');
  });

  it('gives the same when the state is written down after every event', () => {
    const knowledge = bookOf(HISTORY);
    expect(resultsOf(HISTORY, { knowledge }, 1)).toEqual(resultsOf(HISTORY, { knowledge }));
  });

  it('holds rosters, care and watch lists, in event-time order, with pseudonyms', () => {
    const named = { ...assigned(3, HOUR_MS), pseudonyms: new Map([[ANNA.uid, TOKEN]]) };
    const earlier = event(4, 'watchlist.entry-added', -HOUR_MS, 2 * HOUR_MS, { list: 'vip', value: 'x' });
    const { observations } = bookOf([...HISTORY.slice(0, 3), named, earlier]);
    expect(observations.map(({ id }) => id)).toEqual(['e4', 'e3']);
    expect(JSON.stringify(observations)).not.toContain(ANNA.uid);
    expect(JSON.stringify(observations)).toContain(TOKEN);
    expect(['roster.x', 'care.x', 'watchlist.x', 'access.x', 'clock.ticked'].map(isKnowledgeType)).toEqual([
      ...[true, true, true, false, false],
    ]);
  });
});
