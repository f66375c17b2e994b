import fc from 'fast-check';
import type { LoggedEvent, SourceDeclarations } from '@protego/contracts';
import { SourceTable, TICK_TYPE } from '@protego/streams';
import { START_MS, declarationsOf, logOf, loggedEvent, tickEvent } from '@protego/streams/testing';
import { WatermarkAgreement } from './watermark-agreement';

const IDLE_MS = 4_000;
const FEEDS = ['ehr', 'vpn', 'gateway', 'slow'] as const;
const DECLARATIONS: SourceDeclarations = {
  ...declarationsOf(
    [
      { name: 'ehr', idleAfterMs: IDLE_MS, latenessMs: 2_000 },
      { name: 'vpn', idleAfterMs: IDLE_MS, latenessMs: 2_000 },
      { name: 'gateway', idleAfterMs: 1_000, latenessMs: 500 },
    ],
    1_500,
  ),
  defaults: { latenessMs: 2_000, idleAfterMs: 3_000 },
};
const WITH_LATER: SourceDeclarations = {
  ...DECLARATIONS,
  sources: [
    ...DECLARATIONS.sources,
    ...declarationsOf([{ name: 'slow', latenessMs: 8_000, idleAfterMs: 2_000 }]).sources,
  ],
};
const AHEAD: SourceDeclarations = { ...DECLARATIONS, skewMaxMs: 8_000 };

/** How far a feed is behind, in stretches: steadily, or by chance around it. */
const stretch = fc.record({
  steps: fc.integer({ min: 1, max: 25 }),
  behindMs: fc.array(fc.constantFrom(-7_000, -1_000, 0, 300, 1_900, 2_500, 5_000, 9_000, 20_000), {
    minLength: FEEDS.length,
    maxLength: FEEDS.length,
  }),
  gapMs: fc.constantFrom(100, 400, 1_000, 5_000),
});
const chance = fc.record({
  feed: fc.nat({ max: FEEDS.length }),
  jitterMs: fc.integer({ min: 0, max: 400 }),
  isTwiceAsSlow: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 0),
});
const histories = fc.array(fc.tuple(stretch, fc.array(chance, { minLength: 25, maxLength: 25 })), {
  minLength: 1,
  maxLength: 8,
});

function historyOf(stretches: typeof histories extends fc.Arbitrary<infer T> ? T : never): LoggedEvent[] {
  let atMs = START_MS;
  const events = stretches.flatMap(([{ steps, behindMs, gapMs }, chances]) =>
    chances.slice(0, steps).map(({ feed, jitterMs, isTwiceAsSlow }, i) => {
      atMs += gapMs + jitterMs;
      const source = FEEDS[feed];
      if (source === undefined) return tickEvent(atMs);
      const timeMs = atMs - (behindMs[feed] as number) * (isTwiceAsSlow ? 2 : 1) - jitterMs;
      return loggedEvent({ id: `e-${atMs}-${i}`, timeMs, arrivedAtMs: atMs, source });
    }),
  );
  return logOf(events);
}

/** Watermarks of a run: what each event finds, and what it leaves. */
function watermarksOf(events: readonly LoggedEvent[], declarations: SourceDeclarations): [number, number, string][] {
  const table = new SourceTable(declarations);
  return events.map(({ event: { source, type }, timeMs, arrivedAtMs }) => {
    const beforeMs = table.advance(arrivedAtMs);
    if (type === TICK_TYPE) return [beforeMs, beforeMs, 'tick'];
    const timing = table.admit(source, timeMs, arrivedAtMs);
    return [beforeMs, timing === 'on-time' ? table.advance(arrivedAtMs) : beforeMs, timing];
  });
}

describe('the agreement of all runs on the watermark', () => {
  it.each([
    ['feeds of the same lateness', DECLARATIONS],
    ['clocks that may be far ahead', AHEAD],
    ['a feed that may be later than the others', WITH_LATER],
  ])('is there whenever it is said to be, with %s', (_, declarations) => {
    let agreedCount = 0;
    let differedCount = 0;
    fc.assert(
      fc.property(histories, fc.integer({ min: 5, max: 70 }), (stretches, percent) => {
        const events = historyOf(stretches);
        const from = Math.floor((percent * events.length) / 100);
        const whole = watermarksOf(events, declarations).slice(from);
        const part = watermarksOf(events.slice(from), declarations);
        const agreement = new WatermarkAgreement(declarations);
        const first = part.findIndex((each, i) => each[2] !== whole[i]?.[2]);
        events.slice(from).forEach((event, i) => {
          if (agreement.sinceMs !== undefined && first >= 0 && i > first) differedCount++;
          agreement.next(event);
          if (agreement.sinceMs === undefined) return;
          agreedCount++;
          expect(part[i]?.[1]).toBe(whole[i]?.[1]);
          if (event.arrivedAtMs > agreement.sinceMs) expect(part[i]).toEqual(whole[i]);
        });
      }),
      { numRuns: 3_000 },
    );
    expect([agreedCount > 5_000, differedCount > 1_000]).toEqual([true, true]);
  });
});
