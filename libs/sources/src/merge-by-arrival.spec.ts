import * as fc from 'fast-check';
import { MERGE_FILES_MAX, mergeBatchesByArrival, mergeByArrival } from './merge-by-arrival';
import { readSourceBatches, readSourceFile } from './source-file';
import type { AcceptedItem, SourceItem } from './source-item';
import { SourceFolder, collect, testOptions } from './testing';

const event = { specversion: '1.0', id: 'i', source: 's', type: 'device.left', time: '', site: 'w', data: {} } as const;

/** Steps of one file: a number moves its arrival on and gives an event, null is a rejected line. */
function itemsOf(path: string, steps: readonly (number | null)[]): SourceItem[] {
  let arrivedAtMs = 0;
  return steps.map((step, i): SourceItem => {
    const place = { path, line: i + 1 };
    if (step === null)
      return {
        kind: 'rejected',
        code: 'EVENT_JSON_INVALID',
        message: '',
        raw: '',
        rawEncoding: 'utf8',
        rawBytes: 0,
        ...place,
      };
    arrivedAtMs += step;
    return { kind: 'event', event, timeMs: 0, arrivedAtMs, ...place };
  });
}

async function* inBatches(items: readonly SourceItem[], size: number): AsyncGenerator<SourceItem[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

async function* oneByOne(items: readonly SourceItem[]): AsyncGenerator<SourceItem> {
  yield* items;
}

const isEvent = (item: SourceItem): item is AcceptedItem => item.kind === 'event';

describe('mergeByArrival', () => {
  it('is a stable sort by arrival that keeps the order of each file', async () => {
    const step = fc.option(fc.nat(3), { freq: 6 });
    const files = fc.array(fc.array(step, { maxLength: 40 }), { maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 9 }), async (steps, size) => {
        const all = steps.map((file, i) => itemsOf(String(i), file));
        const batches = await collect(mergeBatchesByArrival(all.map((items) => inBatches(items, size))));
        const merged = batches.flat();
        const sorted = all
          .flat()
          .filter(isEvent)
          .sort((a, b) => a.arrivedAtMs - b.arrivedAtMs);
        expect(merged.filter(isEvent)).toEqual(sorted);
        for (const items of all) expect(merged.filter(({ path }) => path === items[0]?.path)).toEqual(items);
        expect(await collect(mergeByArrival(all.map(oneByOne)))).toEqual(merged);
      }),
    );
  });

  it('hands out a rejected item before any later event of its file', async () => {
    const first = itemsOf('a', [null, null, 9]);
    const merged = await collect(mergeByArrival([oneByOne(first), oneByOne(itemsOf('b', [1]))]));
    expect(merged.map(({ path, line }) => `${path}${line}`)).toEqual(['a1', 'a2', 'b1', 'a3']);
  });

  it('closes every file when it is left early or one fails', async () => {
    let closedCount = 0;
    async function* file(isBroken: boolean): AsyncGenerator<SourceItem[]> {
      try {
        for (let i = 0; ; i++) {
          if (isBroken && i === 3) throw new Error('disk');
          yield itemsOf(
            'x',
            Array.from({ length: 300 }, () => 0),
          );
        }
      } finally {
        closedCount++;
      }
    }
    for await (const batch of mergeBatchesByArrival([file(false), file(false)])) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    expect(closedCount).toBe(2);
    await expect(collect(mergeBatchesByArrival([file(true), file(false)]))).rejects.toThrow('disk');
    expect(closedCount).toBe(4);
  });

  it('refuses too many files', async () => {
    const files = Array.from({ length: MERGE_FILES_MAX + 1 }, () => oneByOne([]));
    await expect(collect(mergeByArrival(files))).rejects.toMatchObject({ code: 'USAGE_INVALID' });
  });

  it('merges real files', async () => {
    const folder = new SourceFolder();
    const zeek = (seconds: readonly number[]): string => seconds.map((ts) => `{"ts":${ts},"_path":"x"}\n`).join('');
    const paths = [folder.write('a.log', zeek([1, 5, 2, 6])), folder.write('b.log', zeek([1, 3, 5, 7]))];
    const items = await collect(mergeByArrival(paths.map((path) => readSourceFile(path, 'zeek', testOptions))));
    const times = items.filter(isEvent).map((item) => `${item.path.at(-5)}${item.timeMs / 1000}`);
    expect(times).toEqual(['a1', 'b1', 'b3', 'a5', 'a2', 'b5', 'a6', 'b7']);
    const batches = await collect(
      mergeBatchesByArrival(paths.map((path) => readSourceBatches(path, 'zeek', testOptions))),
    );
    expect(batches.flat()).toEqual(items);
    folder.remove();
  });
});
