import { SourceFolder, readAll } from './testing';
import { logTypeOf } from './zeek-format';

describe('format zeek', () => {
  const folder = new SourceFolder();
  afterAll(() => folder.remove());
  const read = (lines: readonly string[], name = 'dns.jsonl') => readAll(folder.write(name, lines.join('\n')), 'zeek');

  it('keeps the native record and adds the type of the log', async () => {
    const { events } = await read([
      '{"ts":1521911720.865716,"uid":"C1","id.orig_h":"10.0.0.5","n":18446744073709551615}',
    ]);
    expect(events[0]).toMatchObject({ timeMs: 1_521_911_720_865, arrivedAtMs: 1_521_911_720_865 });
    expect(events[0]?.event).toMatchObject({
      source: 'zeek',
      type: 'device.network-log-recorded',
      time: '2018-03-24T17:15:20.865Z',
      subject: '10.0.0.5',
    });
    expect(events[0]?.event.data).toEqual({
      _path: 'dns',
      ts: 1521911720.865716,
      uid: 'C1',
      'id.orig_h': '10.0.0.5',
      n: '18446744073709551615',
    });
  });

  it.each([
    ['{"ts":1521911720.0019999999999}', 1_521_911_720_001],
    ['{"ts":1521911720.999999999}', 1_521_911_720_999],
    ['{"nested":{"ts":7},"ts":1521911720.001}', 1_521_911_720_001],
    ['{"ts": 1521911720.001 }', 1_521_911_720_001],
    ['{"ts":1521911720865}', 1_521_911_720_865],
    ['{"ts":"2018-03-24T17:15:20.865716Z"}', 1_521_911_720_865],
    ['{"_write_ts":"2018-03-24T17:15:20.865716Z"}', 1_521_911_720_865],
    ['{"ts":0}', 0],
  ])('cuts the time of %s to the millisecond', async (line, timeMs) => {
    expect((await read([line])).events[0]?.timeMs).toBe(timeMs);
  });

  it('takes pipeline time from `_write_ts`, and never lets it fall', async () => {
    const { events } = await read(['{"ts":5,"_write_ts":9}', '{"ts":6,"_write_ts":8}', '{"ts":7}', '{"ts":12}']);
    expect(events.map(({ arrivedAtMs }) => arrivedAtMs)).toEqual([9000, 9000, 9000, 12_000]);
  });

  it.each(['{"uid":"C1"}', '{"ts":-5}', '{"ts":"soon"}', '{"ts":1e300}', '{"ts":true}'])(
    'rejects %s, which has no usable time',
    async (line) => {
      expect((await read([line])).rejected).toMatchObject([{ code: 'SOURCE_RECORD_INVALID' }]);
    },
  );

  it('tells records of two logs apart where only the name of the file does', async () => {
    const line = '{"ts":1}';
    const dns = (await read([line], 'dns.log')).events[0];
    const again = (await read(['{"ts":2}', line], 'dns.10:00.log')).events[1];
    const conn = (await read([line], 'conn.log')).events[0];
    expect(again?.event.id).toBe(dns?.event.id);
    expect(conn?.event.id).not.toBe(dns?.event.id);
  });

  it.each([
    ['/x/dns.log', 'dns'],
    ['conn.jsonl.gz', 'conn'],
    ['http.10:00:00-11:00:00.log.gz', 'http'],
    ['.hidden', 'unknown'],
  ])('takes the type of %s', (path, type) => {
    expect(logTypeOf(path)).toBe(type);
  });
});
