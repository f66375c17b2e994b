import type { Detection, DetectionMute, EventData, ProtegoEvent } from '@protego/contracts';
import { timelineHtml } from './report/timeline-html';
import { timelineText } from './report/timeline-text';
import { timelineOf, type TimelineRequest } from './timeline';
import { ENTRIES_MAX, PIVOTS_MAX, type TimelineDetection, type TimelineRecord } from './timeline-shape';
import { VolumeCounter } from './volume';

const T0 = Date.parse('2026-03-02T07:00:00Z');
const MINUTE = 60_000;
const PUMP = { kind: 'device', id: 'pump-7', names: [] };
const at = (minute: number): string => new Date(T0 + minute * MINUTE).toISOString();

function record(seq: number, minute: number, type: string, data: EventData): TimelineRecord {
  const event = { id: `e${seq}`, source: 'gateway', type, time: at(minute), data } as unknown as ProtegoEvent;
  return { seq, timeMs: T0 + minute * MINUTE, event, leafHash: 'ab'.repeat(32) };
}

const report = (seq: number, minute: number): TimelineRecord =>
  record(seq, minute, 'device.telemetry-reported', { device: { uid: 'pump-7', ward: 'icu' }, status: 'ok' });
const change = (seq: number, minute: number, user = '~s.0OUfg6MptoCBPmNNBdGbQw'): TimelineRecord =>
  record(seq, minute, 'device.config-changed', {
    device: { uid: 'pump-7' },
    setting: 'dose',
    actor: { user: { uid: user } },
  });

function detected(
  id: string,
  minute: number,
  seqs: number[],
  entities = [{ kind: 'device', id: 'pump-7' }],
): TimelineDetection {
  const detection = {
    ...{ id, ruleId: 'r', ruleHash: 'h', title: 'Dose changed', severity: 'high', confidence: 'high', entities },
    ...{ window: { start: at(minute - 1), end: at(minute) }, certainAt: at(minute), why: 'The dose changed.' },
    ...{ nextStep: 'Look.', harmlessExplanation: 'Care.', attack: [], eventCount: seqs.length, status: 'raised' },
  } as unknown as Detection;
  return { detection, seqs };
}

function request(over: Partial<TimelineRequest>): TimelineRequest {
  const range = { fromMs: T0, toMs: T0 + 24 * 60 * MINUTE };
  return {
    ...{ focus: PUMP, range, log: { origin: 'protego/h', size: 99, rootHash: '00' }, logFromMs: T0 },
    searched: { by: 'subjects', found: 0, read: 0, stoppedAt: null },
    detectionsFrom: { from: 'log', inLog: 1 },
    ...{ records: [], detections: [], decisions: [], unusual: [], volume: new VolumeCounter().volume(range) },
    ...over,
  };
}

const told = (over: Partial<TimelineRequest>): string[] =>
  timelineOf(request(over)).entries.map(
    ({ kind, from, words }) => `${from.slice(11, 16)} ${kind} ${words.slice(0, 30)}`,
  );

describe('a timeline', () => {
  it('stands in order of time, whatever the order of records, with the detection after its last event', () => {
    const records = [change(9, 5), report(3, 2), report(4, 3), report(2, 1), report(10, 6)];
    const expected = [
      '07:01 run 3 telemetry reports (ok)',
      '07:05 event the setting dose of pump-7 cha',
      '07:05 detection high: Dose changed. The dose c',
      '07:06 event pump-7 reported its state as o',
    ];
    const detections = [detected('d1', 5, [9])];
    expect(told({ records, detections })).toEqual(expected);
    expect(told({ records: records.toReversed(), detections })).toEqual(expected);
  });

  it('weighs events: what a detection rests on above what is notable above the rest', () => {
    const { lines } = timelineOf(
      request({ records: [report(1, 0), change(2, 1), change(3, 2)], detections: [detected('d1', 2, [3])] }),
    );
    expect(lines.map(({ weight, evidenceOf }) => [weight, ...evidenceOf])).toEqual([
      ['routine'],
      ['notable'],
      ['evidence', 'd1'],
    ]);
  });

  it('says times without events, and what was decided', () => {
    const data: DetectionMute = { rule: 'r', expiresAt: at(999), reason: 'known' };
    const mute = record(5, 200, 'detection.muted', data as unknown as EventData);
    expect(told({ records: [report(1, 0), report(2, 192)], decisions: [{ record: mute, data }] })).toEqual([
      '07:00 event pump-7 reported its state as o',
      '07:00 gap nothing for 3 h 12 min',
      '10:12 event pump-7 reported its state as o',
      '10:20 decision detections of rule r were mute',
    ]);
  });

  it('tells before, during and after the detection that it is about', () => {
    const about = detected('d1', 5, [2]);
    const focus = { kind: 'detection', id: 'd1', names: [] };
    const { entries } = timelineOf(
      request({ focus, about, detections: [about], records: [report(1, 0), change(2, 5), report(3, 9)] }),
    );
    expect(entries.map(({ kind, phase }) => `${kind} ${phase}`)).toEqual([
      'event before',
      'event during',
      'detection during',
      'event after',
    ]);
  });

  it('ranks pivots by shared detections, then evidence, then events; wards last', () => {
    const other = '~s.1OUfg6MptoCBPmNNBdGbQw';
    const records = [
      report(1, 0),
      report(2, 1),
      change(3, 2),
      change(4, 3, other),
      change(5, 4, other),
      change(6, 5, other),
    ];
    const named = [PUMP, { kind: 'address', id: '10.0.0.9' }];
    const { pivots } = timelineOf(request({ records, detections: [detected('d1', 5, [3], named)] }));
    expect(pivots.map(({ id, events, evidence, detections }) => [id, events, evidence, ...detections])).toEqual([
      ['10.0.0.9', 0, 0, 'd1'],
      ['~s.0OUfg6MptoCBPmNNBdGbQw', 1, 1],
      [other, 3, 0],
      ['icu', 2, 0],
    ]);
    expect(pivots[2]).toMatchObject({ first: at(3), last: at(5) });
  });

  it('bounds entries, keeping what weighs most, and pivots, and counts what is left out', () => {
    const many = Array.from({ length: ENTRIES_MAX + 40 }, (_, i) =>
      i % 2 === 0
        ? change(i, i, `~s.${String(i).padStart(22, '0')}`)
        : record(i, i, 'device.joined', { device: { uid: 'pump-7' } }),
    );
    const last = many.length - 2;
    const timeline = timelineOf(request({ records: many, detections: [detected('d1', last, [last])] }));
    expect(timeline.counts).toMatchObject({ entries: ENTRIES_MAX, entriesLeftOut: 41, linesLeftOut: 41 });
    expect(timeline.counts.pivotsLeftOut).toBe(ENTRIES_MAX / 2 + 20 - PIVOTS_MAX);
    expect(timeline.entries.filter(({ weight }) => weight === 'notable')).toHaveLength(ENTRIES_MAX / 2 + 19);
    expect(timeline.entries.at(-1)).toMatchObject({ kind: 'detection' });
    expect(timelineText(timeline, () => 'x')).toContain('41 entries of little weight are left out.');
  });

  it('never lets markup or controls of a log through into text and page', () => {
    const nasty = record(1, 0, 'device.config-changed', { device: { uid: 'pump-7' }, setting: '<script>\u001b[2J&' });
    const timeline = timelineOf(request({ records: [nasty] }));
    const page = timelineHtml(timeline, 'proof', () => 'protego');
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
    expect(timelineText(timeline, () => 'x')).not.toContain('\u001b');
  });
});

describe('volumes', () => {
  const day = { fromMs: T0 + 24 * 60 * MINUTE, toMs: T0 + 48 * 60 * MINUTE };

  it('counts by the hour, and tells hours with far more than any of the day before', () => {
    const counter = new VolumeCounter();
    for (let hour = 0; hour < 48; hour++)
      for (let i = 0; i < (hour === 30 ? 9 : 4); i++) counter.add('device.joined', T0 + hour * 60 * MINUTE + i);
    const { stepMs, steps, rows } = counter.volume(day);
    expect([stepMs, steps.length, rows[0]?.counts[6]]).toEqual([3_600_000, 24, 9]);
    expect(counter.unusual(day)).toEqual([{ type: 'device.joined', at: at(30 * 60), count: 9, before: 4 }]);
  });

  it('tells long ranges by the day, and nothing unusual where no day came before', () => {
    const counter = new VolumeCounter();
    for (let i = 0; i < 9; i++) counter.add('device.joined', T0 + i);
    const long = counter.volume({ fromMs: T0, toMs: T0 + 100 * 24 * 60 * MINUTE });
    expect(long.steps.length).toBeLessThanOrEqual(48 + 4);
    expect(long.rows[0]?.counts.reduce((sum, n) => sum + n, 0)).toBe(9);
    expect(counter.unusual({ fromMs: T0, toMs: T0 + 60 * MINUTE })).toEqual([]);
  });
});
