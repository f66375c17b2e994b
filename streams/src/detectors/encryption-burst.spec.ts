import type { LoggedEvent } from '@protego/contracts';
import type { StreamElement } from '../operators/stream-element';
import {
  START_MS,
  describeDetector,
  describeOperatorLifecycle,
  eventElement,
  foundBy,
  historyElements,
  loggedEvent,
  resultsOfDetector,
  watermark,
} from '../testing';
import { DetectorStage } from './detector-stage';
import { oneOfMany } from './detector';
import { ENCRYPTION_BURST } from './encryption-burst';

interface Change {
  readonly afterMs?: number;
  readonly entropy?: number;
  readonly device?: string;
  readonly key?: 'path' | 'name';
  readonly id?: string;
}

let nextSeq = 0;
function change(name: string, { afterMs = 0, entropy = 7.9, device = 'ws-1', key = 'path', id = name }: Change = {}) {
  const data = { device: { uid: device }, file: { [key]: name, entropy } };
  const timeMs = START_MS + afterMs;
  return loggedEvent({ id, timeMs, seq: nextSeq++, type: 'device.file-changed', source: 'endpoint', data });
}
const changes = (count: number, prefix = 'file-', parts: Change = {}): LoggedEvent[] =>
  Array.from({ length: count }, (_, n) => change(`${prefix}${String(n).padStart(5, '0')}`, parts));
const found = (history: readonly LoggedEvent[]) => foundBy(ENCRYPTION_BURST, history);

describe('encryption-burst', () => {
  beforeEach(() => {
    nextSeq = 0;
  });

  describeDetector({
    detector: ENCRYPTION_BURST,
    history: Array.from({ length: 61 }, (_, n) => change(`/home/anna.lind/${n}`, { device: 'anna.lind', id: `${n}` })),
    foundCount: 1,
  });

  const operator = () => new DetectorStage([oneOfMany(ENCRYPTION_BURST)]).results();
  const burst = historyElements(changes(60));
  describeOperatorLifecycle({
    operator,
    input: burst,
    output: resultsOfDetector(ENCRYPTION_BURST, burst),
    endless: (index): StreamElement<LoggedEvent> => {
      const minute = Math.floor(index / 61);
      if (index % 61 === 60) return watermark(START_MS + 60_000 * (minute + 1));
      const event = change(`file-${index}`, { afterMs: 60_000 * minute });
      return eventElement(event, event.timeMs);
    },
  });

  it('raises for 60 files in a minute, not for 59', () => {
    expect(found(changes(59))).toEqual([]);
    const [result] = found(changes(60));
    expect(result?.detection).toMatchObject({
      severity: 'critical',
      eventCount: 60,
      entities: [{ kind: 'device', id: 'ws-1' }],
      window: { start: '2026-03-02T07:00:00.000Z', end: '2026-03-02T07:01:00.000Z' },
      certainAt: '2026-03-02T07:01:00.000Z',
      attack: ['impact', 'T1486'],
    });
    expect(result?.detection.why).toMatch(/^60 files on ws-1 /);
    expect(result?.seqs).toHaveLength(60);
  });

  it('decides when the watermark reaches the end of the minute, not before', () => {
    const events = changes(60).map((event) => eventElement(event, event.timeMs));
    expect(resultsOfDetector(ENCRYPTION_BURST, [...events, watermark(START_MS + 59_999)])).toEqual([]);
    expect(resultsOfDetector(ENCRYPTION_BURST, [...events, watermark(START_MS + 60_000)])).toHaveLength(1);
  });

  it('counts a file once, however often it changes', () => {
    const repeats = Array.from({ length: 200 }, (_, n) => change('file-00000', { id: `again-${n}` }));
    expect(found([...changes(59), ...repeats])).toEqual([]);
  });

  it('counts per device and per minute', () => {
    const otherDevice = changes(30, 'b', { device: 'ws-2' });
    const nextMinute = changes(30, 'c', { afterMs: 60_000 });
    expect(found([...changes(30), ...otherDevice, ...nextMinute])).toEqual([]);
  });

  it.each([
    [7.5, 1],
    [7.499, 0],
  ])('takes content of %d bits a byte as encrypted in %d of the cases', (entropy, count) => {
    expect(found(changes(60, 'f', { entropy }))).toHaveLength(count);
  });

  it('leaves out other types, and changes that do not say how random the content is', () => {
    const device = { uid: 'ws-1' };
    const silent = changes(60).map((each) => ({
      ...each,
      event: { ...each.event, data: { device, file: { path: 'p' } } },
    }));
    const processes = changes(60).map((each) => ({
      ...each,
      event: { ...each.event, type: 'device.process-started' },
    }));
    expect(found([...silent, ...processes])).toEqual([]);
  });

  it('does not count a file whose name was erased, and says so', () => {
    const [first, ...others] = changes(60) as [LoggedEvent, ...LoggedEvent[]];
    const data = { device: { uid: 'ws-1' }, file: { path: '~t.1', entropy: 7.9 } };
    const lost = { ...first, event: { ...first.event, data }, erased: ['/data/file/path'] };
    expect(resultsOfDetector(ENCRYPTION_BURST, historyElements([lost, ...others]))).toMatchObject([
      { kind: 'undecidable', ruleId: 'encryption-burst', fields: ['file.path'] },
    ]);
  });

  it('leaves out events that do not hold what it reads', () => {
    const oddData = [{}, { device: null, file: 7 }, { device: { uid: 5 }, file: { path: 'a', entropy: 8 } }];
    const odd = oddData.map((data, n) => {
      const event = change(`odd-${n}`);
      return { ...event, event: { ...event.event, data: data as never } };
    });
    expect(resultsOfDetector(ENCRYPTION_BURST, historyElements([...odd, ...changes(60)]))).toHaveLength(1);
  });

  it('remembers files by the pseudonyms of who is named in them', () => {
    const pseudonyms = new Map([['anna.lind', '~s.AAAAAAAAAAAAAAAAAAAAAA']]);
    const named = Array.from({ length: 60 }, (_, n) => change(`/home/anna.lind/${n}`, { id: `${n}` }));
    const stage = new DetectorStage([oneOfMany(ENCRYPTION_BURST)]);
    const elements = historyElements(named.map((each) => ({ ...each, pseudonyms })));
    resultsOfDetector(ENCRYPTION_BURST, elements.slice(0, -1), stage);
    expect(JSON.stringify(stage.snapshot())).toContain('/home/~s.AAAAAAAAAAAAAAAAAAAAAA/59');
    expect(JSON.stringify(stage.snapshot())).not.toContain('anna');
  });

  it('counts files whose names objects have of their own, by path or else by name', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', '0'];
    const odd = names.map((name) => change(name, { key: 'name' }));
    expect(found([...changes(56), ...odd])[0]?.detection.eventCount).toBe(60);
  });

  it('names the first thousand files', () => {
    expect(found(changes(1_100))[0]?.detection.eventCount).toBe(1_000);
  });

  it('leaves out new files of a device on which work is announced, and no others', () => {
    const work = (device: string) =>
      loggedEvent({
        id: `work-${device}`,
        timeMs: START_MS - 60_000,
        type: 'device.maintenance-started',
        source: 'endpoint',
        data: { device: { uid: device }, ticket: 'CHG-1' },
      });
    const withActivity = (activity: string): LoggedEvent[] =>
      changes(60).map((each) => ({ ...each, event: { ...each.event, data: { ...each.event.data, activity } } }));
    expect(found([work('ws-1'), ...withActivity('created')])).toEqual([]);
    expect(found([work('ws-2'), ...withActivity('created')])).toHaveLength(1);
    expect(found([work('ws-1'), ...withActivity('changed')])).toHaveLength(1);
  });
});
