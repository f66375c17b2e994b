import { START_MS, detectionsAmong, jsonCopy, logOf, loggedEvent, resultsOf, testPipeline, tickEvent } from './testing';

const failure = (id: string, afterMs: number, user = 'anna', ip: string | undefined = '10.0.0.1') =>
  loggedEvent({
    id,
    timeMs: START_MS + afterMs,
    type: 'access.sign-in-failed',
    data: { user: { uid: user }, ...(ip === undefined ? {} : { src_endpoint: { ip } }) },
  });
const read = (id: string, afterMs: number, patient: string) =>
  loggedEvent({
    id,
    timeMs: START_MS + afterMs,
    type: 'access.record-read',
    data: { actor: { user: { uid: 'anna' } }, patient: { uid: patient } },
  });
const idsOf = (events: readonly ReturnType<typeof failure>[], pipeline = testPipeline()): string[] =>
  detectionsAmong(resultsOf(logOf([...events, tickEvent(START_MS + 3_600_000)]), pipeline)).map(
    ({ detection, seqs }) => `${detection.ruleId} ${seqs.join()}`,
  );

describe('CorrelationStage', () => {
  it('raises what it counted, in words that take values from the event that completed it', () => {
    const events = [failure('a', 0), failure('b', 5_000), failure('c', 9_999, 'anna', '10.0.0.9')];
    const [result] = detectionsAmong(resultsOf(logOf([...events, tickEvent(START_MS + 120_000)])));
    expect(result?.detection).toMatchObject({
      ruleId: 'many-failures',
      why: 'anna failed 3 times in 10 seconds, last from 10.0.0.9.',
      eventCount: 3,
      group: [{ field: 'user.uid', text: 'anna' }],
      value: 3,
      window: { start: '2026-03-02T07:00:00.000Z', end: '2026-03-02T07:00:10.000Z' },
      certainAt: '2026-03-02T07:00:09.999Z',
    });
  });

  it('says of what it measured no more than is bearable', () => {
    const long = `x\u202e\n${'y'.repeat(1_000)}`;
    const [result] = detectionsAmong(
      resultsOf(logOf([...[0, 1, 2].map((n) => failure(`e${n}`, n, long)), tickEvent(START_MS + 120_000)])),
    );
    expect(result?.detection.group).toEqual([{ field: 'user.uid', text: `x\ufffd\ufffd${'y'.repeat(197)}…` }]);
  });

  it('says `unknown` for a value that the completing event lacks', () => {
    const events = [failure('a', 0), failure('b', 1), failure('c', 2, 'anna', undefined)].map((event, index) =>
      index < 2 ? event : { ...event, event: { ...event.event, data: { user: { uid: 'anna' } } } },
    );
    const [result] = detectionsAmong(resultsOf(logOf([...events, tickEvent(START_MS + 120_000)])));
    expect(result?.detection.why).toBe('anna failed 3 times in 10 seconds, last from unknown.');
  });

  it('raises nothing for the rule that is only counted, and does for one that generates', () => {
    expect(idsOf([failure('a', 0)])).toEqual([]);
    expect(idsOf([read('a', 0, 'p1')])).toEqual(['read 0']);
    expect(idsOf([read('a', 0, 'p1'), read('b', 1, 'p2')])).toEqual(['read 0', 'read 1', 'many-patients 0,1']);
  });

  it('raises once while the condition holds, and again after it was false', () => {
    const times = [0, 1, 2, 3, 20_000, 20_001, 20_002];
    expect(idsOf(times.map((afterMs) => failure(`e${afterMs}`, afterMs)))).toEqual([
      'many-failures 0,1,2',
      'many-failures 4,5,6',
    ]);
  });

  it('counts an event once that matches two rules of a correlation', () => {
    const twice = (id: string, afterMs: number) => {
      const { event, ...rest } = failure(id, afterMs);
      return { ...rest, event: { ...event, data: { ...event.data, status_detail: 'twice' } } };
    };
    expect(idsOf([twice('a', 0), twice('b', 1)])).toEqual([]);
    expect(idsOf([twice('a', 0), twice('b', 1), twice('c', 2)])).toEqual(['many-failures 0,1,2']);
  });

  it('counts per group', () => {
    const mixed = ['anna', 'bo', 'anna', 'bo', 'cy', 'anna'].map((user, afterMs) =>
      failure(`e${afterMs}`, afterMs, user),
    );
    expect(idsOf(mixed)).toEqual(['many-failures 0,2,5']);
  });

  it('counts in event-time order, so that events exactly the time span apart never meet', () => {
    expect(idsOf([failure('a', 0), failure('b', 1), failure('c', 10_000)])).toEqual([]);
  });

  it('reports what it holds and what it evicted', () => {
    const pipeline = testPipeline();
    idsOf([failure('a', 0), failure('b', 0, 'bo'), read('c', 0, 'p1')], pipeline);
    expect(pipeline.counters()).toMatchObject({
      correlationKeys: 3,
      correlationKeysEvicted: 0,
      correlationEntriesEvicted: 0,
      reorderEvents: 0,
      reorderForced: 0,
      reorderDropped: 0,
      sources: 1,
      sourcesEvicted: 0,
      encryptionBurstWindows: 0,
      encryptionBurstWindowsEvicted: 0,
    });
  });

  it('keeps waiting events, and what they will be counted for, in its snapshot', () => {
    const [first, ...rest] = [failure('a', 0), failure('b', 1), failure('c', 2)] as const;
    const before = testPipeline();
    expect(resultsOf(logOf([first, ...rest]), before)).toEqual([]);
    const after = testPipeline(jsonCopy(before.snapshot()));
    const [result] = detectionsAmong(resultsOf([tickEvent(START_MS + 120_000)], after));
    expect(result?.detection.why).toMatch(/last from 10\.0\.0\.1\.$/);
  });
});
