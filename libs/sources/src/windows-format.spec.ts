import { EVENT_BYTES_MAX, EventValidator, canonicalJson, eventRegistry } from '@protego/contracts';
import { SourceFolder, readAll } from './testing';
import type { ReadSourceOptions } from './source-item';

const nxlog = { EventTime: '2020-09-04 15:09:31', Hostname: 'ws-1.ward', EventID: 1, Channel: 'Security', Keywords: 0 };

describe('format windows', () => {
  const folder = new SourceFolder();
  afterAll(() => folder.remove());
  const read = (lines: readonly (object | string)[], options: Partial<ReadSourceOptions> = {}) => {
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    return readAll(folder.write('w.jsonl', texts.join('\n')), 'windows', options);
  };

  it('makes a host event that keeps the record and all its digits', async () => {
    const text = JSON.stringify(nxlog).replace('"Keywords":0', '"Keywords":-9223372036854775808');
    const { events } = await read([text]);
    expect(events[0]?.event).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      source: 'windows',
      type: 'device.host-event-recorded',
      time: '2020-09-04T15:09:31.000Z',
      subject: 'ws-1.ward',
      site: 'ward-test',
      data: { ...nxlog, Keywords: '-9223372036854775808' },
    });
    const validator = new EventValidator(eventRegistry);
    expect(validator.check(JSON.parse(canonicalJson(events[0]?.event))).timeMs).toBe(events[0]?.timeMs);
  });

  it.each([
    [{ TimeCreated: '2020-11-02T04:39:08.640Z', '@timestamp': '2021-01-01T00:00:00Z' }, '2020-11-02T04:39:08.640Z'],
    [{ EventTime: '2020-09-04 15:09:31', UtcTime: '2020-09-04 19:09:31.123' }, '2020-09-04T15:09:31.000Z'],
    [{ UtcTime: '2020-09-04 19:09:31.123' }, '2020-09-04T19:09:31.123Z'],
    [{ TimeCreated: '', '@timestamp': '2020-09-04T19:09:31.123456Z' }, '2020-09-04T19:09:31.123Z'],
  ])('takes the time of %j', async (record, time) => {
    expect((await read([record])).events[0]?.event.time).toBe(time);
  });

  it('shifts times without a zone by the given offset', async () => {
    const { events } = await read([nxlog], { zonelessOffsetMinutes: -240 });
    expect(events[0]?.event.time).toBe('2020-09-04T19:09:31.000Z');
  });

  it.each([
    [{ Computer: 'c', host: 'h' }, 'c'],
    [{ host: { name: 'beat' } }, 'beat'],
    [{ host: '' }, undefined],
    [{ Hostname: `${'x'.repeat(255)}😀` }, 'x'.repeat(255)],
  ])('takes the host of %.30j', async (fields, host) => {
    const { events } = await read([{ EventTime: nxlog.EventTime, ...fields }]);
    expect(events[0]?.event.subject).toBe(host);
  });

  it.each([
    [{ Hostname: 'a' }, 'none of'],
    [{ EventTime: 'yesterday' }, '`EventTime` is not a date-time'],
    [{ EventTime: 5 }, '`EventTime` is not a date-time'],
  ])('rejects %j, which has no usable time', async (record, reason) => {
    const { rejected } = await read([record]);
    expect(rejected).toMatchObject([{ code: 'SOURCE_RECORD_INVALID', message: expect.stringContaining(reason) }]);
  });

  it('rejects a record that is too large for an event', async () => {
    const { events, rejected } = await read([
      { ...nxlog, Message: 'x'.repeat(EVENT_BYTES_MAX) },
      { ...nxlog, Message: 'x'.repeat(EVENT_BYTES_MAX - 1000) },
    ]);
    expect(rejected).toMatchObject([{ code: 'EVENT_TOO_LARGE', line: 1 }]);
    expect(events).toHaveLength(1);
  });

  it('gives repeated lines ids of their own', async () => {
    const { events } = await read([nxlog, { ...nxlog, EventID: 2 }, nxlog]);
    const ids = events.map(({ event }) => event.id);
    expect(ids[2]).toBe(`${ids[0] ?? ''}-1`);
    expect(new Set(ids).size).toBe(3);
  });

  it('flattens the nested shape of an export', async () => {
    const system = {
      Provider: { '#attributes': { Name: 'Sysmon', Guid: 'G' } },
      EventID: { '#attributes': { Qualifiers: 16 }, '#text': 7045 },
      Level: 4,
      TimeCreated: { '#attributes': { SystemTime: '2026-07-17T14:18:34.072213Z' } },
      Execution: { '#attributes': { ProcessID: 876 } },
      Channel: 'System',
      Computer: 'ws-2',
      Security: null,
    };
    const eventData = { '#attributes': { Name: 'Started' }, Level: 'high', Image: 'a.exe' };
    const record = { Event: { '#attributes': { xmlns: 'x' }, System: system, EventData: eventData }, tag: 't' };
    const { events } = await read([record]);
    expect(events[0]?.event).toMatchObject({ time: '2026-07-17T14:18:34.072Z', subject: 'ws-2' });
    expect(events[0]?.event.data).toEqual({
      Provider_Name: 'Sysmon',
      Provider_Guid: 'G',
      EventID: 7045,
      EventID_Qualifiers: 16,
      Level: 4,
      TimeCreated_SystemTime: '2026-07-17T14:18:34.072213Z',
      Execution_ProcessID: 876,
      Channel: 'System',
      Computer: 'ws-2',
      EventData_Name: 'Started',
      EventData_Level: 'high',
      Image: 'a.exe',
      tag: 't',
    });
  });

  it('flattens user data and rendering texts', async () => {
    const system = { TimeCreated: { '#attributes': { SystemTime: '2026-07-17T14:18:34Z' } }, EventID: 1102 };
    const userData = { LogFileCleared: { '#attributes': { xmlns: 'x' }, SubjectUserName: 'a', __proto: 1 } };
    const { events } = await read([
      { Event: { System: system, UserData: userData, RenderingInfo: { Message: 'cleared' } } },
    ]);
    expect(events[0]?.event.data).toEqual({
      TimeCreated_SystemTime: '2026-07-17T14:18:34Z',
      EventID: 1102,
      SubjectUserName: 'a',
      __proto: 1,
      RenderingInfo_Message: 'cleared',
    });
  });
});
