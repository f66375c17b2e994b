import type { EventData, LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { LOG_SOURCE_SILENCE } from './log-source-silence';

const MINUTE_MS = 60_000;

function event(minute: number, type: string, data: EventData): LoggedEvent {
  const timeMs = START_MS + Math.round(minute * MINUTE_MS);
  const id = `${type}-${minute}-${JSON.stringify(data).length}`;
  return loggedEvent({ id, timeMs, seq: Math.round(minute * 10), type, source: 'host-agents', data });
}
const word = (minute: number, uid = 'srv-1') => event(minute, 'device.agent-reported', { device: { uid }, records: 9 });
const flow = (minute: number, uid = 'srv-1') =>
  event(minute, 'device.network-flow-observed', {
    device: { uid, ip: '10.10.0.9' },
    src_endpoint: { ip: '10.10.0.9' },
    dst_endpoint: { ip: '10.10.0.10', port: 445 },
  });
const work = (minute: number, data: EventData, type = 'device.maintenance-started') =>
  event(minute, type, { device: { uid: 'srv-1' }, ticket: 'CHG-1', ...data });
/** The agent speaks each quarter of an hour until minute 75. */
const REGULAR = [0, 15, 30, 45, 60, 75].map((minute) => word(minute));
const inOrder = (events: readonly LoggedEvent[]) => events.toSorted((a, b) => a.timeMs - b.timeMs);
const found = (events: readonly LoggedEvent[]) => foundBy(LOG_SOURCE_SILENCE, inOrder(events));
const flows = (...minutes: number[]) => minutes.map((minute) => flow(minute));

describe('log-source-silence', () => {
  describeDetector({
    detector: LOG_SOURCE_SILENCE,
    history: [...REGULAR, ...flows(80, 115, 121, 127, 133)],
    foundCount: 1,
  });

  it('tells of a machine at work two and a half intervals after the last word of its agent', () => {
    const [result, ...more] = found([...REGULAR, ...flows(100, 112, 113, 118, 123, 140)]);
    expect(more).toEqual([]);
    // Signs of life count from minute 112.5 on.
    expect(result?.detection).toMatchObject({
      entities: [{ kind: 'device', id: 'srv-1' }],
      certainAt: '2026-03-02T09:03:00.000Z',
      eventCount: 4,
    });
    expect(result?.detection.why).toContain('about every 15 minutes and has been silent for 48 minutes');
  });

  it('waits for three signs of life over ten minutes', () => {
    expect(found([...REGULAR, ...flows(113, 114)])).toEqual([]);
    expect(found([...REGULAR, ...flows(113, 114, 115, 122.9)])).toEqual([]);
    expect(found([...REGULAR, ...flows(113, 114, 115, 123)])).toHaveLength(1);
  });

  it('says nothing of a machine that is off, nor of an agent that is one word late', () => {
    expect(found([...REGULAR, word(500), ...flows(501, 505, 512)])).toEqual([]);
    expect(found([...REGULAR, word(105), ...flows(80, 90, 100, 104, 106, 110, 120)])).toEqual([]);
  });

  it('says nothing while work is announced, and speaks when it is over', () => {
    const at = flows(115, 120, 125, 130, 200, 211);
    expect(found([...REGULAR, work(70, { planned_minutes: 180 }), ...at])).toEqual([]);
    expect(found([...REGULAR, work(70, { planned_minutes: 60 }), ...at, flow(222)])).toHaveLength(1);
    const ended = work(90, {}, 'device.maintenance-ended');
    expect(found([...REGULAR, work(70, { planned_minutes: 600 }), ended, ...at])).toHaveLength(1);
    // Without a ticket it was announced to nobody.
    const silent = event(70, 'device.maintenance-started', { device: { uid: 'srv-1' } });
    expect(found([...REGULAR, silent, ...at])).toHaveLength(1);
  });

  it('takes people at work on the machine as signs of life', () => {
    const read = (minute: number) =>
      event(minute, 'access.record-read', {
        actor: { user: { uid: 'p-1' } },
        device: { uid: 'srv-1' },
        patient: { uid: 'pt-1' },
      });
    expect(found([...REGULAR, read(113), read(120), read(130)])).toHaveLength(1);
  });

  it('does not take connections to the machine as signs of life', () => {
    const reached = (minute: number) =>
      event(minute, 'device.network-flow-observed', {
        device: { uid: 'srv-1', ip: '10.10.0.9' },
        src_endpoint: { ip: '10.10.0.77', hostname: 'scanner' },
        dst_endpoint: { ip: '10.10.0.9', port: 445 },
      });
    expect(found([...REGULAR, reached(113), reached(120), reached(130)])).toEqual([]);
  });

  it('tells once until the agent is back, and not of agents that it hardly knows', () => {
    const long = Array.from({ length: 60 }, (_, n) => flow(113 + 4 * n));
    expect(found([...REGULAR, ...long])).toHaveLength(1);
    const again = [word(400), ...flows(445, 450, 460)];
    expect(found([...REGULAR, ...long, ...again])).toHaveLength(2);
    expect(found([...REGULAR.slice(0, 4), ...flows(113, 120, 130, 140)])).toEqual([]);
  });
});
