import * as fc from 'fast-check';
import { formatRfc3339 } from '@protego/contracts';
import { RecordTimes, decimalSecondsToMs, parseRecordTimeMs } from './record-time';

describe('decimalSecondsToMs', () => {
  it.each([
    ['1521911720.865716', 1_521_911_720_865],
    ['1521911720', 1_521_911_720_000],
    ['1521911720.9999999', 1_521_911_720_999],
    ['1.521911720865716e9', 1_521_911_720_865],
    ['15219117208657e-4', 1_521_911_720_865],
    ['5e-4', 0],
    ['1e-90', 0],
    ['0', 0],
    ['-1', undefined],
    ['1e15', undefined],
    ['x', undefined],
  ])('reads %s', (token, expected) => {
    expect(decimalSecondsToMs(token)).toBe(expected);
  });

  it('gives the millisecond that the digits name', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.stringMatching(/^\d{0,9}$/), (timeMs, finer) => {
        const token = `${Math.floor(timeMs / 1000)}.${String(timeMs % 1000).padStart(3, '0')}${finer}`;
        expect(decimalSecondsToMs(token)).toBe(timeMs);
      }),
    );
  });
});

describe('parseRecordTimeMs', () => {
  it.each([
    ['2020-09-04 15:09:31', 0, '2020-09-04T15:09:31.000Z'],
    ['2020-09-04 15:09:31.1239', 0, '2020-09-04T15:09:31.123Z'],
    ['2020-09-04T15:09:31', -240, '2020-09-04T19:09:31.000Z'],
    ['2020-09-04T15:09:31Z', -240, '2020-09-04T15:09:31.000Z'],
    ['2020-09-04T15:09:31.5+02:00', 0, '2020-09-04T13:09:31.500Z'],
  ])('reads %s at offset %d', (text, offset, expected) => {
    expect(formatRfc3339(parseRecordTimeMs(text, offset) ?? NaN)).toBe(expected);
  });

  it.each(['', '-', '2020-02-30 00:00:00', '0000-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'])(
    'refuses `%s`',
    (text) => {
      expect(parseRecordTimeMs(text, 0)).toBeUndefined();
    },
  );
});

describe('RecordTimes', () => {
  it('reads and writes as the plain functions do', () => {
    const date = fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    const near = fc.tuple(date, fc.array(fc.integer({ min: -90_000, max: 90_000 })));
    const style = fc.constantFrom('Z', '', '+01:00', '7Z', 'junk');
    fc.assert(
      fc.property(near, style, fc.constantFrom(0, 90), ([start, steps], suffix, offset) => {
        const times = new RecordTimes(offset);
        for (const step of [0, ...steps]) {
          const text = stepped(start, step).toISOString().slice(0, -1) + suffix;
          const expected = parseRecordTimeMs(text, offset);
          expect(times.parse(text)).toBe(expected);
          if (expected !== undefined) expect(times.format(expected)).toBe(formatRfc3339(expected));
        }
      }),
    );
  });

  it('does not take a wrong date for one it has seen', () => {
    const times = new RecordTimes(0);
    expect(times.parse('2020-02-28 10:00:01')).toBeDefined();
    expect(times.parse('2020-02-30 10:00:01')).toBeUndefined();
    expect(times.parse('2020-02-28 10:00:61')).toBeUndefined();
  });
});

function stepped(start: Date, stepMs: number): Date {
  const moved = new Date(start.getTime() + stepMs);
  return moved.getUTCFullYear() >= 0 && moved.getUTCFullYear() <= 9999 ? moved : start;
}
