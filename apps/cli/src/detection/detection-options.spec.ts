import type { EventLogReader, LogRecord } from '@protego/event-log';
import { entityOf, pipelineTimeOf } from './detection-options';

describe('entityOf', () => {
  it('takes what stands before the first colon for the kind', () => {
    expect(entityOf('device:pump-7')).toEqual({ kind: 'device', id: 'pump-7' });
    expect(entityOf('address:2001:db8::7')).toEqual({ kind: 'address', id: '2001:db8::7' });
  });

  it.each(['pump-7', ':pump-7', 'device:', ''])('refuses %j', (text) => {
    expect(() => entityOf(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }) as Error);
  });
});

describe('pipelineTimeOf', () => {
  const WALL_MS = Date.UTC(2026, 10, 20);
  const readerOf = (
    ...times: readonly [arrivedAtMs: number, recordedAtMs: number][]
  ): Pick<EventLogReader, 'query'> => {
    const records = times.map(([arrivedAtMs, recordedAtMs]) => ({ arrivedAtMs, recordedAtMs }) as LogRecord);
    return { query: () => records as unknown as ReturnType<EventLogReader['query']> };
  };

  it('is the wall clock of a log whose last event arrived when it was recorded, however long ago', () => {
    const longAgo = WALL_MS - 86_400_000;
    expect(pipelineTimeOf(readerOf([longAgo, longAgo + 60_000], [0, 0]), WALL_MS)).toBe(WALL_MS);
  });

  it('never goes back behind the last event', () => {
    expect(pipelineTimeOf(readerOf([WALL_MS + 5, WALL_MS]), WALL_MS)).toBe(WALL_MS + 5);
  });

  it('is where the clock of the feed stands, whether that is in the past or in the future', () => {
    for (const arrivedAtMs of [Date.UTC(2026, 2, 2), Date.UTC(2027, 2, 2)])
      expect(pipelineTimeOf(readerOf([arrivedAtMs, WALL_MS - 1]), WALL_MS)).toBe(arrivedAtMs);
  });

  it('is the wall clock in a log without events', () => {
    expect(pipelineTimeOf(readerOf(), WALL_MS)).toBe(WALL_MS);
  });
});
