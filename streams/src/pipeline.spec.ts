import type { LoggedEvent } from '@protego/contracts';
import { Subject, from, take } from 'rxjs';
import { isPipelineInput } from './pipeline';
import type { PipelineResult } from './result';
import {
  START_MS,
  closedEvent,
  describeOperatorLifecycle,
  detectionsAmong,
  jsonCopy,
  logOf,
  loggedEvent,
  numbered,
  openedEvent,
  resultsOf,
  testPipeline,
  tickEvent,
} from './testing';

const at = (afterMs: number): number => START_MS + afterMs;
const privilege = (
  id: string,
  afterMs: number,
  changes: Partial<Parameters<typeof loggedEvent>[0]> = {},
): LoggedEvent =>
  loggedEvent({
    id,
    timeMs: at(afterMs),
    type: 'access.privilege-changed',
    data: { user: { uid: 'anna' } },
    ...changes,
  });
const failure = (id: string, afterMs: number, arrivedAfterMs = afterMs): LoggedEvent =>
  loggedEvent({
    id,
    timeMs: at(afterMs),
    arrivedAtMs: at(arrivedAfterMs),
    type: 'access.sign-in-failed',
    data: { user: { uid: 'anna' } },
  });
const textOf = (result: PipelineResult): string => {
  if (result.kind === 'detection') return `${result.detection.ruleId} ${result.seqs.join()}`;
  return `${result.kind} ${result.event.event.id}`;
};
const run = (events: readonly LoggedEvent[], pipeline = testPipeline()): string[] =>
  resultsOf(logOf(events), pipeline).map(textOf);

describe('buildPipeline', () => {
  const first = privilege('a', 0);
  describeOperatorLifecycle<LoggedEvent, PipelineResult>({
    operator: () => testPipeline().results,
    input: [first],
    output: resultsOf([first]),
    endless: (index) => privilege(String(index), index),
  });

  it('raises a stateless match at once, before the watermark has passed it', () => {
    expect(run([privilege('a', 0)])).toEqual(['privilege 0']);
  });

  it('raises matches of late and skewed events too, marked, beside the result that names them', () => {
    const results = resultsOf(
      logOf([
        privilege('a', 0),
        privilege('b', -5_000, { arrivedAtMs: at(0) }),
        privilege('c', 70_000, { arrivedAtMs: at(0) }),
      ]),
    );
    expect(results.map(textOf)).toEqual(['privilege 0', 'late b', 'privilege 1', 'skewed c', 'privilege 2']);
    expect(detectionsAmong(results).map(({ detection }) => detection.timing)).toEqual([undefined, 'late', 'skewed']);
    expect(results[1]).toMatchObject({ watermarkMs: at(-2_000) });
  });

  it('never counts late and skewed events in windows', () => {
    const late = failure('late', -3_000, 0);
    const skewed = failure('skewed', 61_000, 0);
    expect(run([failure('a', 0), late, failure('b', 1), skewed, tickEvent(at(600_000))])).toEqual([
      'late late',
      'missed late',
      'skewed skewed',
      'missed skewed',
    ]);
  });

  it('closes nothing when its input ends', () => {
    expect(run([failure('a', 0), failure('b', 1), failure('c', 2)])).toEqual([]);
  });

  it('takes a tick as the passing of time', () => {
    const events = [failure('a', 0), failure('b', 1), failure('c', 2)];
    expect(run([...events, tickEvent(at(2_002))])).toEqual([]);
    expect(run([...events, tickEvent(at(60_003))])).toEqual(['many-failures 0,1,2']);
  });

  it.each(['detection.raised', 'pipeline.event-came-late', 'log.exported', 'identity.created', 'unheard.of'])(
    'never takes %s as input: it matches nothing and moves no watermark',
    (type) => {
      expect(isPipelineInput(type)).toBe(false);
      const pipeline = testPipeline();
      const own = loggedEvent({
        id: 'x',
        timeMs: at(900_000),
        type,
        source: 'protego',
        data: { user: { uid: 'anna' } },
      });
      expect(run([own], pipeline)).toEqual([]);
      expect(pipeline.snapshot()).toEqual(testPipeline().snapshot());
      expect(run([failure('a', 0), failure('b', 1), failure('c', 2), own])).toEqual([]);
    },
  );

  it('reports a rule that throws and goes on, with the other rules and with the next event', () => {
    const data = {
      user: { uid: 'anna' },
      get trap(): string {
        throw new Error('sprung too early');
      },
    };
    const results = resultsOf(logOf([privilege('a', 0, { data }), privilege('b', 1)]));
    expect(results.map(textOf)).toEqual(['privilege 0', 'rule-failed a', 'privilege 1']);
    expect(results[1]).toMatchObject({ ruleId: 'fragile', message: 'sprung too early' });
  });

  it('goes on where it stopped when it is subscribed to again', () => {
    const pipeline = testPipeline();
    const events = logOf([failure('a', 0), failure('b', 1), failure('c', 2), tickEvent(at(60_003))]);
    expect(events.flatMap((event) => resultsOf([event], pipeline).map(textOf))).toEqual(['many-failures 0,1,2']);
  });

  it('keeps its state whole when the listener leaves in the middle of an event', () => {
    const pipeline = testPipeline();
    from([privilege('a', 0)])
      .pipe(pipeline.results, take(1))
      .subscribe();
    const whole = testPipeline();
    resultsOf([privilege('a', 0)], whole);
    expect(pipeline.snapshot()).toEqual(whole.snapshot());
  });

  it('ends with the error of its source', () => {
    const source = new Subject<LoggedEvent>();
    let thrown: unknown;
    source.pipe(testPipeline().results).subscribe({ error: (error: unknown) => (thrown = error) });
    source.error(new Error('log is broken'));
    expect(thrown).toEqual(new Error('log is broken'));
  });

  it('gives equal snapshots to pipelines that read the same, and shares nothing with them', () => {
    const pipeline = testPipeline();
    run([failure('a', 0)], pipeline);
    const snapshot = pipeline.snapshot();
    const text = JSON.stringify(snapshot);
    run([failure('b', 1), tickEvent(at(600_000))], pipeline);
    const [one, two] = [testPipeline(snapshot), testPipeline(snapshot)];
    run([failure('b', 1), tickEvent(at(600_000))], one);
    expect(JSON.stringify(snapshot)).toBe(text);
    expect(two.snapshot()).toEqual(jsonCopy(snapshot));
  });
});

describe('import session', () => {
  const runSessions = (events: readonly LoggedEvent[], pipeline = testPipeline()): string[] =>
    resultsOf(numbered(events), pipeline).map(textOf);
  const history = [-90_000, -89_999, -89_998].map((afterMs) => failure(`old${afterMs}`, afterMs));

  it('has sources of its own: old events are on time in it', () => {
    expect(
      runSessions([privilege('live', 0), openedEvent(at(1)), privilege('old', -90_000), closedEvent(at(2))]),
    ).toEqual(['privilege 0', 'privilege 2']);
  });

  it('decides its windows when it is closed, though the watermark has not passed them', () => {
    expect(runSessions([openedEvent(at(0)), ...history])).toEqual([]);
    expect(runSessions([openedEvent(at(0)), ...history, closedEvent(at(1))])).toEqual(['many-failures 1,2,3']);
  });

  it('leaves the live session as it was', () => {
    const pipeline = testPipeline();
    runSessions([failure('a', 0), failure('b', 1)], pipeline);
    const before = pipeline.snapshot();
    runSessions([openedEvent(at(2)), ...history, failure('future', 900_000), closedEvent(at(3))], pipeline);
    expect(pipeline.snapshot()).toEqual(before);
    expect(pipeline.counters()['reorderEvents']).toBe(2);
  });

  it('begins with empty windows each time', () => {
    const [a, b, c] = history as [LoggedEvent, LoggedEvent, LoggedEvent];
    expect(
      runSessions([openedEvent(at(0)), a, b, closedEvent(at(1)), openedEvent(at(2)), c, closedEvent(at(3))]),
    ).toEqual([]);
  });

  it('is closed by the opening of the next, as after a crash', () => {
    expect(runSessions([openedEvent(at(0)), ...history, openedEvent(at(1))])).toEqual(['many-failures 1,2,3']);
  });

  it('goes on from a snapshot', () => {
    const before = testPipeline();
    runSessions([failure('a', 0), openedEvent(at(1)), ...history], before);
    const after = testPipeline(jsonCopy(before.snapshot()));
    expect(runSessions([closedEvent(at(2))], after)).toEqual(['many-failures 2,3,4']);
  });

  it('is closed without harm when none is open', () => {
    expect(runSessions([closedEvent(at(0)), privilege('a', 1)])).toEqual(['privilege 1']);
  });
});
