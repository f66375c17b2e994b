import fc from 'fast-check';
import { formatRfc3339, parseRfc3339Ms } from './time';

const iso = (text: string): string | undefined => {
  const timeMs = parseRfc3339Ms(text);
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
};

describe('parseRfc3339Ms', () => {
  it.each([
    ['2026-03-02T07:00:00Z', '2026-03-02T07:00:00.000Z'],
    ['2026-03-02t07:00:00z', '2026-03-02T07:00:00.000Z'],
    ['2026-03-02 07:00:00Z', '2026-03-02T07:00:00.000Z'],
    ['2026-03-02T07:00:00+01:30', '2026-03-02T05:30:00.000Z'],
    ['2026-03-01T23:00:00-08:00', '2026-03-02T07:00:00.000Z'],
    ['2026-03-02T07:00:00-00:00', '2026-03-02T07:00:00.000Z'],
    ['2026-01-01T00:00:00+23:59', '2025-12-31T00:01:00.000Z'],
    ['2026-03-02T07:00:00.1Z', '2026-03-02T07:00:00.100Z'],
    ['2026-03-02T07:00:00.1239999Z', '2026-03-02T07:00:00.123Z'],
    ['2026-03-02T07:00:00.99999999999999999999Z', '2026-03-02T07:00:00.999Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['0000-02-29T00:00:00Z', '0000-02-29T00:00:00.000Z'],
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['0099-12-31T23:59:59Z', '0099-12-31T23:59:59.000Z'],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2016-12-31T23:59:60.5Z', '2017-01-01T00:00:00.500Z'],
    ['1990-12-31T15:59:60-08:00', '1991-01-01T00:00:00.000Z'],
  ])('reads %s', (text, expected) => expect(iso(text)).toBe(expected));

  it.each([
    '',
    '2026-03-02',
    '2026-03-02T07:00:00',
    '2026-03-02T07:00Z',
    '2026-3-2T07:00:00Z',
    '2026-03-02T07:00:00.Z',
    '2026-03-02T07:00:00,5Z',
    '2026-03-02T07:00:00+0100',
    '2026-03-02T07:00:00+01',
    '2026-03-02T07:00:00+24:00',
    '2026-03-02T07:00:00+01:60',
    '2026-03-02T24:00:00Z',
    '2026-03-02T07:60:00Z',
    '2026-03-02T07:00:61Z',
    '2026-03-02T07:00:60Z',
    '2026-03-02T23:59:60+01:00',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '-0001-01-01T00:00:00Z',
    '+10000-01-01T00:00:00Z',
    '0000-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '9999-12-31T23:59:60Z',
    ' 2026-03-02T07:00:00Z',
    '2026-03-02T07:00:00Z\n',
    '2026-03-02\t07:00:00Z',
    '٢٠٢٦-03-02T07:00:00Z',
  ])('refuses %j', (text) => expect(parseRfc3339Ms(text)).toBeUndefined());

  it('agrees with Date on every instant, in any offset', () => {
    const yearMs = 31_556_952_000;
    const timeMs = fc.integer({ min: -1_969 * yearMs, max: 8_028 * yearMs });
    fc.assert(
      fc.property(timeMs, fc.integer({ min: -1_439, max: 1_439 }), (instantMs, offsetMinutes) => {
        const local = new Date(instantMs + offsetMinutes * 60_000).toISOString().slice(0, -1);
        const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
        const offset = `${offsetMinutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
        expect(parseRfc3339Ms(local + offset)).toBe(instantMs);
        expect(parseRfc3339Ms(formatRfc3339(instantMs))).toBe(instantMs);
      }),
    );
  });

  it('never throws and never gives NaN, whatever the text', () => {
    const alphabet = fc.constantFrom(...'0123456789-+:.TZ tz');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: alphabet, maxLength: 30 })), (text) => {
        expect(parseRfc3339Ms(text)).not.toBeNaN();
      }),
    );
  });
});

describe('formatRfc3339', () => {
  it('writes UTC with milliseconds', () => {
    expect(formatRfc3339(Date.UTC(2026, 2, 2, 7))).toBe('2026-03-02T07:00:00.000Z');
    expect(formatRfc3339(-1)).toBe('1969-12-31T23:59:59.999Z');
  });

  it('keeps to the years that RFC 3339 has', () => {
    expect(formatRfc3339(Date.UTC(9999, 11, 31, 23, 59, 59, 999) + 1)).toBe('9999-12-31T23:59:59.999Z');
    expect(formatRfc3339(Number.NEGATIVE_INFINITY)).toBe('0000-01-01T00:00:00.000Z');
  });
});
