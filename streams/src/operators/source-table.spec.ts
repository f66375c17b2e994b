import fc from 'fast-check';
import { START_MS, declarationsOf, jsonCopy } from '../testing';
import { SourceTable, WATERMARK_NONE } from './source-table';
import type { Timing } from './stream-element';

const SECOND_MS = 1_000;
const at = (seconds: number): number => START_MS + seconds * SECOND_MS;

/** A table and a way to let events in, in seconds after the start. */
function tableOf(declarations = declarationsOf()) {
  const table = new SourceTable(declarations);
  const admit = (source: string, time: number, arrived = time): Timing => {
    table.advance(at(arrived));
    const timing = table.admit(source, at(time), at(arrived));
    if (timing === 'on-time') table.advance(at(arrived));
    return timing;
  };
  const watermark = (): number => (table.watermarkMs - START_MS) / SECOND_MS;
  return { table, admit, watermark };
}

describe('SourceTable', () => {
  it('has no watermark before the first event', () => {
    expect(new SourceTable(declarationsOf()).watermarkMs).toBe(WATERMARK_NONE);
  });

  it('stands at the greatest time of a source less its lateness', () => {
    const { admit, watermark } = tableOf(declarationsOf([{ name: 'slow', latenessMs: 5_000 }]));
    admit('slow', 10, 11);
    expect(watermark()).toBe(9);
    admit('slow', 20);
    admit('slow', 18, 20);
    expect(watermark()).toBe(15);
  });

  it('takes the minimum over active sources, and never falls when one joins further back', () => {
    const { admit, watermark } = tableOf();
    admit('ehr', 10);
    expect(watermark()).toBe(8);
    expect(admit('network', 8, 10)).toBe('on-time');
    expect(watermark()).toBe(8);
    admit('ehr', 30);
    expect(watermark()).toBe(8);
    admit('network', 20, 30);
    expect(watermark()).toBe(18);
  });

  it('lets a source out of the minimum when it is silent for longer than its time-out, not while it is just as long', () => {
    const { table, admit, watermark } = tableOf();
    admit('network', 0);
    admit('ehr', 50);
    expect(watermark()).toBe(-2);
    table.advance(at(60));
    expect(watermark()).toBe(-2);
    table.advance(at(60) + 1);
    expect(watermark()).toBe(48);
  });

  it('follows pipeline time where all sources are idle, by the greatest lateness of those known', () => {
    const { table, admit, watermark } = tableOf(declarationsOf([{ name: 'slow', latenessMs: 30_000 }]));
    admit('ehr', 0);
    table.advance(at(200));
    expect(watermark()).toBe(198);
    admit('slow', 199, 200);
    table.advance(at(400));
    expect(watermark()).toBe(370);
  });

  it('lets an idle source come back within its lateness', () => {
    const { table, admit, watermark } = tableOf();
    admit('ehr', 0);
    table.advance(at(100));
    expect(admit('ehr', 98, 100)).toBe('on-time');
    expect(watermark()).toBe(98);
    expect(admit('ehr', 97.999, 100)).toBe('late');
  });

  it('classes the first event of a fresh session by pipeline time: one of 1970 is late', () => {
    const { table } = tableOf();
    table.advance(START_MS);
    expect(table.admit('ehr', 0, START_MS)).toBe('late');
    expect(table.size).toBe(0);
  });

  it('takes an event exactly on the watermark as on time, one a millisecond before it as late', () => {
    const { table, admit } = tableOf();
    admit('ehr', 10);
    expect(table.admit('ehr', at(8), at(10))).toBe('on-time');
    expect(table.admit('ehr', at(8) - 1, at(10))).toBe('late');
  });

  it('takes an event exactly as far ahead as allowed as on time, one a millisecond further as skewed', () => {
    const { table } = tableOf();
    table.advance(START_MS);
    expect(table.admit('ehr', START_MS + 60_000, START_MS)).toBe('on-time');
    expect(table.admit('ehr', START_MS + 60_001, START_MS)).toBe('skewed');
    expect(table.admit('ehr', Date.UTC(2100, 0, 1), START_MS)).toBe('skewed');
  });

  it('lets skewed events and those that are too late for their source move nothing', () => {
    const { table, admit } = tableOf();
    admit('ehr', 10);
    table.advance(at(65));
    const before = table.snapshot();
    expect([admit('ehr', 2, 65), admit('ehr', 999, 65)]).toEqual(['late', 'skewed']);
    expect(table.snapshot()).toEqual(before);
  });

  it('waits for a slow source from the moment it is heard of, also when what it said then was late', () => {
    const { admit, watermark } = tableOf(declarationsOf([{ name: 'slow', latenessMs: 10_000 }]));
    const timings: Timing[] = [];
    for (let second = 100; second < 120; second++) {
      admit('ehr', second);
      timings.push(admit('slow', second - 6, second));
    }
    // It was heard of 6 s late, at a watermark of 2 s: 4 s later that is where it is itself.
    expect(timings).toEqual([...Array<Timing>(4).fill('late'), ...Array<Timing>(16).fill('on-time')]);
    expect(watermark()).toBe(119 - 6 - 10);
  });

  it('waits for nobody who is later than it was declared to be', () => {
    const { admit, watermark, table } = tableOf(declarationsOf([{ name: 'slow', latenessMs: 10_000 }]));
    for (let second = 100; second < 120; second++) {
      admit('ehr', second);
      expect(admit('slow', second - 10.001, second)).toBe('late');
      expect(admit('network', second - 2.001, second)).toBe('late');
    }
    expect([watermark(), table.size]).toEqual([117, 1]);
  });

  it('waits again for a slow source that comes back after it was idle', () => {
    const { admit, watermark } = tableOf(declarationsOf([{ name: 'slow', latenessMs: 10_000 }]));
    admit('slow', 95, 100);
    for (let second = 100; second <= 170; second++) admit('ehr', second);
    expect([watermark(), admit('slow', 165, 170)]).toEqual([168, 'late']);
    admit('ehr', 180);
    expect([watermark(), admit('slow', 173, 180)]).toEqual([168, 'on-time']);
  });

  it('never falls when pipeline time falls', () => {
    const { table, admit, watermark } = tableOf();
    admit('ehr', 0);
    table.advance(at(200));
    table.advance(at(100));
    expect(watermark()).toBe(198);
  });

  it('makes room for the 257th source by forgetting the one silent longest, and counts it', () => {
    const { table, admit } = tableOf();
    for (let n = 0; n < 256; n++) admit(`feed-${n}`, n / 100);
    admit('feed-0', 2.56);
    expect([table.size, table.evictedCount]).toEqual([256, 0]);
    admit('feed-256', 2.57);
    expect([table.size, table.evictedCount]).toEqual([256, 1]);
    const { sources } = table.snapshot() as unknown as { sources: [string][] };
    const restored = new SourceTable(declarationsOf());
    restored.restore(jsonCopy(table.snapshot()));
    expect([restored.size, restored.evictedCount]).toEqual([256, 1]);
    expect(sources.map(([name]) => name)).not.toContain('feed-1');
    expect(sources.map(([name]) => name)).toEqual(expect.arrayContaining(['feed-0', 'feed-256']));
  });

  it('lets a forgotten source hold the watermark back no longer', () => {
    const { admit, watermark } = tableOf();
    admit('feed-0', 0);
    for (let n = 1; n < 256; n++) admit(`feed-${n}`, 10, 10);
    expect(watermark()).toBe(-2);
    admit('feed-256', 10, 10);
    expect(watermark()).toBe(8);
  });

  it('knows after a snapshot how far pipeline time was', () => {
    const { table, admit } = tableOf();
    admit('ehr', 0);
    table.advance(at(50));
    const restored = new SourceTable(declarationsOf());
    restored.restore(jsonCopy(table.snapshot()));
    // Pipeline time that falls is taken as it was: a source that is seen then is seen at the later time.
    for (const each of [table, restored]) {
      each.advance(at(10));
      expect(each.admit('network', at(10), at(10))).toBe('on-time');
      each.advance(at(100));
    }
    expect(restored.watermarkMs).toBe(table.watermarkMs);
    expect(restored.snapshot()).toEqual(table.snapshot());
  });

  it('equals the definition, and goes on from a snapshot at every step as if it had never stopped', () => {
    const declarations = declarationsOf([
      { name: 'a', latenessMs: 1_000, idleAfterMs: 3_000 },
      { name: 'b', latenessMs: 5_000, idleAfterMs: 10_000 },
    ]);
    const timesOf = (name: string) =>
      declarations.sources.find((source) => source.name === name) ?? declarations.defaults;
    const step = fc.record({
      gap: fc.oneof(fc.nat(3_000), fc.constantFrom(0, 10_001, 70_000)),
      source: fc.constantFrom('a', 'b', 'c', null),
      ago: fc.integer({ min: -70_000, max: 8_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const kept = new SourceTable(declarations);
        let table = new SourceTable(declarations);
        const known = new Map<string, { greatest: number; seen: number }>();
        let arrived = START_MS;
        let expected = WATERMARK_NONE;
        const raise = (): void => {
          const active = [...known].filter(([name, { seen }]) => arrived - seen <= timesOf(name).idleAfterMs);
          const latenesses = [...known.keys()].map((name) => timesOf(name).latenessMs);
          const followed = arrived - Math.max(2_000, ...latenesses);
          const held = active.map(([name, { greatest }]) => greatest - timesOf(name).latenessMs);
          expected = Math.max(expected, active.length === 0 ? followed : Math.min(...held));
        };
        for (const { gap, source, ago } of steps) {
          arrived += gap;
          raise();
          expect([table.advance(arrived), kept.advance(arrived)]).toEqual([expected, expected]);
          if (source !== null) {
            const time = arrived - ago;
            const timing = ago < -60_000 ? 'skewed' : time < expected ? 'late' : 'on-time';
            expect([table.admit(source, time, arrived), kept.admit(source, time, arrived)]).toEqual([timing, timing]);
            if (timing === 'on-time' || (timing === 'late' && ago <= timesOf(source).latenessMs)) {
              known.set(source, { greatest: Math.max(time, known.get(source)?.greatest ?? time), seen: arrived });
              raise();
            }
            expect([table.advance(arrived), kept.advance(arrived)]).toEqual([expected, expected]);
          }
          const restored = new SourceTable(declarations);
          restored.restore(jsonCopy(table.snapshot()));
          table = restored;
        }
      }),
    );
  });
});
