import type { LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { VOLUME_DRIFT } from './volume-drift';

const HOUR_MS = 3_600_000;
const MEBIBYTE = 1_048_576;

function sent(hour: number, bytes: number, from = 'ws-1', minute = 1): LoggedEvent {
  const timeMs = START_MS + hour * HOUR_MS + minute * 60_000;
  const data = {
    device: { uid: from },
    src_endpoint: { ip: '10.0.0.1' },
    dst_endpoint: { ip: '203.0.113.9', port: 443 },
    traffic: { bytes_out: bytes },
  };
  const id = `${from}-${hour}-${minute}-${bytes}`;
  return loggedEvent({ id, timeMs, seq: hour * 60 + minute, type: 'device.network-flow-observed', data });
}
/** Hours by hour of day: quiet at night, busy by day, never quite the same. */
const usualAt = (hour: number): number => ((hour % 24 < 12 ? 30 : 2) + (hour % 7)) * MEBIBYTE;
const usual = (hours: number, from?: string): LoggedEvent[] =>
  Array.from({ length: hours }, (_, hour) => sent(hour, usualAt(hour), from));
const found = (history: readonly LoggedEvent[]) => foundBy(VOLUME_DRIFT, history);

describe('volume-drift', () => {
  describeDetector({
    detector: VOLUME_DRIFT,
    history: [...usual(150), sent(150, 900 * MEBIBYTE)],
    foundCount: 1,
  });

  it('tells of an hour far beyond what is usual at that time of day, when the hour is over', () => {
    const [result] = found([...usual(158), sent(158, 300 * MEBIBYTE), sent(158, 200 * MEBIBYTE, 'ws-1', 2)]);
    expect(result?.detection).toMatchObject({
      eventCount: 2,
      window: { start: '2026-03-08T21:00:00.000Z', end: '2026-03-08T22:00:00.000Z' },
      certainAt: '2026-03-08T22:00:00.000Z',
      why: expect.stringMatching(
        /^ws-1 sent about 520 megabytes out of the house within an hour; it usually sends about 5\.\d megabytes at this time of day\. /,
      ),
    });
  });

  it('knows day and night apart', () => {
    // What is usual at noon is not at midnight.
    expect(found([...usual(14 * 24 + 5), sent(14 * 24 + 5, 60 * MEBIBYTE)])).toEqual([]);
    expect(found([...usual(14 * 24 + 18), sent(14 * 24 + 18, 60 * MEBIBYTE)])).toHaveLength(1);
  });

  it('finds nothing in what is usual, and nothing before it knows five days', () => {
    expect(found(usual(500))).toEqual([]);
    expect(found([...usual(100), sent(100, 900 * MEBIBYTE)])).toEqual([]);
  });

  it('leaves small amounts alone, however unusual', () => {
    const idle = Array.from({ length: 200 }, (_, hour) => sent(hour, 10));
    expect(found([...idle, sent(200, 50 * MEBIBYTE - 1)])).toEqual([]);
    expect(found([...idle, sent(200, 50 * MEBIBYTE)])).toHaveLength(1);
  });

  it('knows a device that sent nothing, as long as it was heard of', () => {
    const silent = Array.from({ length: 400 }, (_, hour) => sent(hour, 0));
    expect(found([...silent, sent(400, 900 * MEBIBYTE)])).toHaveLength(1);
  });

  it('is not made used to it by one theft', () => {
    const twice = [...usual(158), sent(158, 900 * MEBIBYTE), ...usual(182).slice(159), sent(182, 900 * MEBIBYTE)];
    expect(found(twice)).toHaveLength(2);
  });

  it('names the twenty largest flows', () => {
    const flows = Array.from({ length: 150 }, (_, n) => sent(158, (n + 1) * MEBIBYTE, 'ws-1', n / 3));
    const [result] = found([...usual(158), ...flows]);
    expect(result?.detection.eventCount).toBe(20);
  });

  it('leaves out flows that do not say how much was sent', () => {
    const silent = usual(200).map((each) => {
      const { traffic: _, ...data } = each.event.data as Record<string, unknown>;
      return { ...each, event: { ...each.event, data: data as never } };
    });
    expect(found(silent)).toEqual([]);
  });

  it('looks at what leaves the house', () => {
    const inside = [...usual(158), sent(158, 900 * MEBIBYTE)].map((each) => {
      const dst_endpoint = { ip: '10.0.0.2', port: 445 };
      return { ...each, event: { ...each.event, data: { ...each.event.data, dst_endpoint } } };
    });
    expect(found(inside)).toEqual([]);
  });

  it('is used to what is copied every night', () => {
    const nightly = usual(200).flatMap((each, hour) =>
      hour % 24 === 15 ? [each, sent(hour, 900 * MEBIBYTE, 'ws-1', 2)] : [each],
    );
    expect(found(nightly)).toEqual([]);
  });

  it('says nothing while work on the device is announced', () => {
    const work = loggedEvent({
      id: 'work',
      timeMs: START_MS + 158 * HOUR_MS,
      type: 'device.maintenance-started',
      data: { device: { uid: 'ws-1' }, ticket: 'CHG-1', planned_minutes: 60 },
    });
    expect(found([...usual(158), work, sent(158, 900 * MEBIBYTE)])).toEqual([]);
  });
});
