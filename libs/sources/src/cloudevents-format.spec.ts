import { gzipSync } from 'node:zlib';
import { EVENT_BYTES_MAX } from '@protego/contracts';
import { SourceFolder, readAll } from './testing';

const joined = {
  specversion: '1.0',
  id: '1',
  source: 'biomed-gateway',
  type: 'device.joined',
  time: '2026-01-05T08:00:00.000Z',
  site: 'north',
  data: { device: { uid: 'pump-7' } },
};
const line = (changes: object): string => JSON.stringify({ ...joined, ...changes });

describe('format cloudevents', () => {
  const folder = new SourceFolder();
  afterAll(() => folder.remove());
  const read = (lines: readonly string[]) => readAll(folder.write('e.ndjson', lines.join('\n')), 'cloudevents');

  it('reads events as they are, with their own site and source', async () => {
    const tick = line({ id: '2', type: 'clock.ticked', data: {} });
    const { events, rejected } = await read([line({}), '', tick]);
    expect(rejected).toEqual([]);
    expect(events.map(({ event }) => event)).toEqual([joined, JSON.parse(tick)]);
    expect(events.map((item) => item.line)).toEqual([1, 3]);
    expect(events[0]?.timeMs).toBe(Date.parse(joined.time));
  });

  it('takes pipeline time from `arrivedat`, else from the greatest time so far, and never lets it fall', async () => {
    const at = (second: number): string => `2026-01-05T08:00:${String(second).padStart(2, '0')}.000Z`;
    const { events } = await read([
      line({ id: 'a', time: at(5) }),
      line({ id: 'b', time: at(3) }),
      line({ id: 'c', time: at(9), arrivedat: at(7) }),
      line({ id: 'd', time: at(4) }),
      line({ id: 'e', time: at(4), arrivedat: at(6) }),
    ]);
    expect(events.map(({ arrivedAtMs }) => (arrivedAtMs - Date.parse(at(0))) / 1000)).toEqual([5, 5, 7, 9, 9]);
  });

  it.each([
    ['EVENT_TYPE_NOT_ACCEPTED', line({ type: 'detection.raised' })],
    ['EVENT_TYPE_NOT_ACCEPTED', line({ type: 'detection.muted' })],
    ['EVENT_TYPE_NOT_ACCEPTED', line({ type: 'log.session-closed', data: { session: 's', reason: 'completed' } })],
    ['EVENT_TYPE_UNKNOWN', line({ type: 'device.teleported' })],
    ['EVENT_DATA_INVALID', line({ data: {} })],
    ['EVENT_ENVELOPE_INVALID', line({ source: 'Not A Token' })],
    ['EVENT_ENVELOPE_INVALID', '[]'],
    ['EVENT_JSON_INVALID', '{'],
    ['EVENT_NUMBER_UNSAFE', '{"n":9007199254740993}'],
    ['EVENT_TEXT_INVALID', '{"n":"\\ud800"}'],
    ['EVENT_TOO_LARGE', JSON.stringify({ n: 'x'.repeat(EVENT_BYTES_MAX) })],
  ])('rejects with %s and reads on', async (code, text) => {
    const broken = text.startsWith('{"n"') ? line({}).replace('"data":{', `"data":{"extra":${text},`) : text;
    const { events, rejected } = await read([broken, line({ id: 'next' })]);
    expect(rejected).toMatchObject([{ code, line: 1, raw: broken, rawEncoding: 'utf8' }]);
    expect(events.map(({ event }) => event.id)).toEqual(['next']);
  });

  it('keeps the bytes of a line that is not UTF-8', async () => {
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]);
    const { rejected } = await readAll(folder.write('bad.ndjson', bytes), 'cloudevents');
    expect(rejected).toMatchObject([
      { code: 'EVENT_TEXT_INVALID', raw: bytes.toString('base64'), rawEncoding: 'base64', rawBytes: 5 },
    ]);
  });

  it('cuts a long rejected line between characters and names its digest', async () => {
    const text = `{"a":"${'é'.repeat(40_000)}`;
    const { rejected } = await readAll(folder.write('long.ndjson', text), 'cloudevents');
    const [item] = rejected;
    expect(text.startsWith(item?.raw ?? '-')).toBe(true);
    expect(item).toMatchObject({ rawBytes: 80_006, rawSha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('gives the events before the damage of a cut gzip file, then a rejected item with the rest of the line', async () => {
    const packed = gzipSync(`${line({})}\n${line({ id: '2' })}\n`, { level: 0 });
    const path = folder.write('cut.gz', packed.subarray(0, packed.length - 8 - 20));
    const { events, rejected } = await readAll(path, 'cloudevents');
    expect(events).toHaveLength(1);
    expect(rejected).toMatchObject([{ code: 'SOURCE_FILE_DAMAGED', line: 2, rawEncoding: 'base64' }]);
    expect(Buffer.from(rejected[0]?.raw ?? '', 'base64').toString()).toBe(line({ id: '2' }).slice(0, -19));
  });

  it('counts what it reads, and refuses names that are no tokens', async () => {
    const counts = { lines: 0, blankLines: 0, events: 0, rejected: 0, idsByLineNumber: 0 };
    const path = folder.write('count.ndjson', `${line({})}\r\n \r\n{\r\n`);
    await readAll(path, 'cloudevents', { counts });
    expect(counts).toEqual({ lines: 3, blankLines: 1, events: 1, rejected: 1, idsByLineNumber: 0 });
    await expect(readAll(path, 'cloudevents', { site: 'A B' })).rejects.toMatchObject({ code: 'USAGE_INVALID' });
  });
});
