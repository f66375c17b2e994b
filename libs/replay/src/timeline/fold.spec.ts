import { GAP_MS_MIN, RUN_LINES_MAX } from './timeline-shape';
import { foldEvents, type Foldable } from './fold';

const T0 = Date.parse('2026-03-02T07:00:00Z');
const MINUTE = 60_000;

function event(minute: number, over: Partial<Foldable> = {}): Foldable {
  const timeMs = T0 + minute * MINUTE;
  const words = `event at ${minute}`;
  return {
    seq: minute,
    timeMs,
    words,
    weight: 'routine',
    alike: 'device.telemetry-reported',
    phase: null,
    entities: [],
    ...over,
  };
}

const told = (events: readonly Foldable[], breaks?: number[]): string[] =>
  foldEvents(events, breaks).map(({ words, from, to }) => `${from.slice(11, 16)}-${to.slice(11, 16)} ${words}`);

describe('folding', () => {
  it('tells equal routine events as one, and few by themselves', () => {
    const reports = Array.from({ length: 34 }, (_, i) => event(i * 2));
    expect(told(reports)).toEqual(['07:00-08:06 34 telemetry reports']);
    expect(told([event(0), event(1)])).toEqual(['07:00-07:00 event at 0', '07:01-07:01 event at 1']);
  });

  it('folds kinds that alternate, in order of their first event', () => {
    const alike = 'device.joined';
    const events = [event(0), event(1, { alike }), event(2), event(3, { alike }), event(4), event(5, { alike })];
    expect(told(events)).toEqual(['07:00-07:04 3 telemetry reports', '07:01-07:05 3 network joins']);
  });

  it('never folds across a moment that matters, a detection, a gap or a phase', () => {
    const moment = event(3, { weight: 'evidence', alike: 'device.config-changed' });
    const three = [0, 1, 2].map((minute) => event(minute));
    const later = [4, 5, 6].map((minute) => event(minute));
    expect(told([...three, moment, ...later])).toEqual([
      '07:00-07:02 3 telemetry reports',
      '07:03-07:03 event at 3',
      '07:04-07:06 3 telemetry reports',
    ]);
    expect(told([...three, ...later], [T0 + 3 * MINUTE])).toHaveLength(2);
    // A detection stands after the events of the instant at which it became certain.
    expect(told(three, [T0 + 2 * MINUTE])).toEqual(['07:00-07:02 3 telemetry reports']);
    const farther = later.map((one) => ({ ...one, timeMs: one.timeMs + GAP_MS_MIN }));
    expect(told([...three, ...farther])).toHaveLength(2);
    const phased = later.map((one) => ({ ...one, phase: 'after' as const }));
    expect(told([...three, ...phased])).toHaveLength(2);
  });

  it('names those that a run names most', () => {
    const user = (id: string): Partial<Foldable> => ({
      entities: [
        { kind: 'device', id: 'pump-7' },
        { kind: 'person', id },
        { kind: 'ward', id: 'icu' },
      ],
    });
    const events = [event(0, user('a')), event(1, user('b')), event(2, user('b')), event(3, user('c'))];
    expect(told(events)).toEqual(['07:00-07:03 4 telemetry reports, with device pump-7, person b (2) and 2 others']);
  });

  it('counts the events of a run that it does not list', () => {
    const many = Array.from({ length: RUN_LINES_MAX + 7 }, (_, i) => event(0, { seq: i }));
    const [run] = foldEvents(many);
    expect(run).toMatchObject({ kind: 'run', count: RUN_LINES_MAX + 7, linesLeftOut: 7 });
    expect(run?.seqs).toHaveLength(RUN_LINES_MAX);
  });
});
