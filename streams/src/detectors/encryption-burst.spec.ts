import type { LoggedEvent } from '@protego/contracts';
import fc from 'fast-check';
import type { StreamElement } from '../operators/stream-element';
import type { DetectionResult, PipelineResult } from '../result';
import {
  START_MS,
  collect,
  describeOperatorLifecycle,
  eventElement,
  jsonCopy,
  loggedEvent,
  shuffled,
  watermark,
} from '../testing';
import { EncryptionBurstStore, detectEncryptionBursts } from './encryption-burst';

type Element = StreamElement<LoggedEvent>;
let nextSeq = 0;

function change(
  name: string,
  id = name,
  { timeMs = START_MS, entropy = 7.9, device = 'ws-1' as string, key = 'path' } = {},
): Element {
  const data = { device: { uid: device }, file: { [key]: name, entropy } };
  return eventElement(
    loggedEvent({ id, timeMs, seq: nextSeq++, type: 'device.file-changed', source: 'endpoint', data }),
    timeMs,
  );
}
const changes = (count: number, prefix = 'file-'): Element[] =>
  Array.from({ length: count }, (_, n) => change(`${prefix}${String(n).padStart(5, '0')}`));
const minuteEnd = watermark<LoggedEvent>(START_MS + 60_000);
const allOf = (input: readonly Element[], store = new EncryptionBurstStore()): PipelineResult[] =>
  collect(detectEncryptionBursts(store), input);
const run = (input: readonly Element[], store?: EncryptionBurstStore): DetectionResult[] =>
  allOf(input, store).filter((result) => result.kind === 'detection');
const detectionsOf = (input: readonly Element[]): unknown[] => run(input).map(({ detection }) => detection);

describe('detectEncryptionBursts', () => {
  beforeEach(() => {
    nextSeq = 0;
  });

  it('remembers files, and names devices, by pseudonyms only', () => {
    const pseudonyms = new Map([['anna.lind', '~s.AAAAAAAAAAAAAAAAAAAAAA']]);
    const named = Array.from({ length: 60 }, (_, n) => change(`/home/anna.lind/${n}`, `${n}`, { device: 'anna.lind' }));
    const personal = named.map((element) =>
      element.kind === 'event' ? { ...element, event: { ...element.event, pseudonyms } } : element,
    );
    const store = new EncryptionBurstStore();
    run(personal, store);
    expect(JSON.stringify(store.snapshot())).not.toContain('anna');
    const [result] = run([...personal, minuteEnd]);
    expect(result?.detection.entities).toEqual([{ kind: 'device', id: '~s.AAAAAAAAAAAAAAAAAAAAAA' }]);
    expect(JSON.stringify(result)).not.toContain('anna');
  });

  it('does not count a file whose name was erased, and says so', () => {
    const [first, ...others] = changes(60) as [Element, ...Element[]];
    const lost = first.kind === 'event' ? { ...first, event: { ...first.event, erased: ['/data/file/path'] } } : first;
    const results = allOf([lost, ...others, minuteEnd]);
    expect(results).toMatchObject([{ kind: 'undecidable', ruleId: 'encryption-burst', fields: ['file.path'] }]);
  });

  const burst = [...changes(60), minuteEnd];
  describeOperatorLifecycle({
    operator: () => detectEncryptionBursts(new EncryptionBurstStore()),
    input: burst,
    output: run(burst),
    endless: (index) => {
      const minute = Math.floor(index / 61);
      if (index % 61 === 60) return watermark<LoggedEvent>(START_MS + 60_000 * (minute + 1));
      return change(`file-${index}`, `${index}`, { timeMs: START_MS + 60_000 * minute });
    },
  });

  it('raises for 60 files in a minute, not for 59', () => {
    expect(run([...changes(59), minuteEnd])).toEqual([]);
    const [result] = run([...changes(60), minuteEnd]);
    expect(result?.detection).toMatchObject({
      ruleId: 'encryption-burst',
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
    expect(run([...changes(60), watermark(START_MS + 59_999)])).toEqual([]);
  });

  it('counts a file once, however often it changes', () => {
    const repeats = Array.from({ length: 200 }, (_, n) => change('file-00000', `again-${n}`));
    expect(run([...changes(59), ...repeats, minuteEnd])).toEqual([]);
  });

  it('counts per device and per minute', () => {
    const half = changes(30);
    const otherDevice = changes(30, 'b').map(({ event }: { event?: LoggedEvent } & Element, n) =>
      change(`b${n}`, event?.event.id ?? '', { device: 'ws-2' }),
    );
    const nextMinute = Array.from({ length: 30 }, (_, n) => change(`c${n}`, `c${n}`, { timeMs: START_MS + 60_000 }));
    expect(run([...half, ...otherDevice, ...nextMinute, watermark(Number.POSITIVE_INFINITY)])).toEqual([]);
  });

  it.each([
    [7.5, 1],
    [7.499, 0],
  ])('takes content of %d bits a byte as encrypted in %d of the cases', (entropy, count) => {
    const input = Array.from({ length: 60 }, (_, n) => change(`f${n}`, `f${n}`, { entropy }));
    expect(run([...input, minuteEnd])).toHaveLength(count);
  });

  it('leaves out other types, and changes that do not say how random the content is', () => {
    const others = Array.from({ length: 60 }, (_, n) =>
      eventElement(
        loggedEvent({
          id: `o${n}`,
          timeMs: START_MS,
          type: 'device.file-changed',
          data: { device: { uid: 'ws-1' }, file: { path: `p${n}` } },
        }),
        START_MS,
      ),
    );
    const processes = Array.from({ length: 60 }, (_, n) =>
      eventElement(
        loggedEvent({
          id: `p${n}`,
          timeMs: START_MS,
          type: 'device.process-started',
          data: { device: { uid: 'ws-1' } },
        }),
        START_MS,
      ),
    );
    expect(run([...others, ...processes, minuteEnd])).toEqual([]);
  });

  it('lets no late or skewed change into a minute', () => {
    const mistimed = changes(60).map(
      (element, n): Element => ({ ...element, timing: n % 2 === 0 ? 'late' : 'skewed' }) as Element,
    );
    expect(run([...mistimed, minuteEnd])).toEqual([]);
  });

  it('counts files whose names objects have of their own, by path or else by name', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', '0'];
    const odd = names.map((name) => change(name, name, { key: 'name' }));
    const [result] = run([...changes(56), ...odd, minuteEnd]);
    expect(result?.detection.eventCount).toBe(60);
  });

  it('gives one detection for every order of arrival, also when a file changed more than once', () => {
    const input = [...changes(70), change('file-00003', 'a-first'), change('file-00003', 'z-last')];
    const expected = detectionsOf([...input, minuteEnd]);
    expect(expected).toHaveLength(1);
    const keys = fc.array(fc.nat(), { minLength: input.length, maxLength: input.length });
    fc.assert(
      fc.property(keys, (order) => {
        expect(detectionsOf([...shuffled(input, order), minuteEnd])).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('names the thousand files that come first by name, whatever the order of arrival', () => {
    const input = changes(1_100);
    const expected = detectionsOf([...input, minuteEnd]);
    expect(expected).toMatchObject([{ eventCount: 1_000 }]);
    expect(detectionsOf([...[...input].reverse(), minuteEnd])).toEqual(expected);
    const mixed = shuffled(input, [5, 3, 8, 1, 9, 2, 7, 4, 6, 0]);
    expect(detectionsOf([...mixed, minuteEnd])).toEqual(expected);
  });

  it('goes on from a snapshot at any place as if it had never stopped, and shares nothing with it', () => {
    const input = [...changes(61), change('file-00003', 'a-first'), minuteEnd];
    const expected = run(input);
    for (let place = 0; place <= input.length; place += 7) {
      const first = new EncryptionBurstStore();
      const results = run(input.slice(0, place), first);
      const snapshot = first.snapshot();
      const text = JSON.stringify(snapshot);
      const second = new EncryptionBurstStore();
      second.restore(jsonCopy(snapshot));
      results.push(...run(input.slice(place), second));
      run(input.slice(place), first);
      expect(results).toEqual(expected);
      expect(JSON.stringify(snapshot)).toBe(text);
    }
  });
});
