import { formatRfc3339 } from '@protego/contracts';
import * as fc from 'fast-check';
import { TimeText } from './time-text';

describe('TimeText', () => {
  it('writes what formatRfc3339 writes, in any order of times', () => {
    const timeMs = fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 11, 31) });
    const near = fc.array(fc.integer({ min: -90_000, max: 90_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(timeMs, near, (startMs, steps) => {
        const text = new TimeText();
        for (const step of [0, ...steps]) expect(text.of(startMs + step)).toBe(formatRfc3339(startMs + step));
      }),
    );
  });
});
