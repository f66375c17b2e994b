import type { LoggedEvent } from '@protego/contracts';
import fc from 'fast-check';
import {
  START_MS,
  collect,
  declarationsOf,
  describeOperatorLifecycle,
  jsonCopy,
  logOf,
  loggedEvent,
  tickEvent,
} from '../testing';
import { assignWatermarks } from './assign-watermarks';
import { SourceTable } from './source-table';
import type { StreamElement } from './stream-element';

const tableOf = (): SourceTable => new SourceTable(declarationsOf([{ name: 'slow', latenessMs: 5_000 }]));
const at = (time: number, arrived = time, source = 'ehr'): LoggedEvent =>
  loggedEvent({ id: `${source}-${time}-${arrived}`, timeMs: START_MS + time, arrivedAtMs: START_MS + arrived, source });
const textOf = (element: StreamElement<LoggedEvent>): string =>
  element.kind === 'event'
    ? `${element.timing} ${element.timeMs - START_MS}`
    : `watermark ${element.watermarkMs - START_MS}`;
const run = (input: readonly LoggedEvent[]): string[] => collect(assignWatermarks(tableOf()), input).map(textOf);
const END = 'watermark Infinity';

describe('assignWatermarks', () => {
  describeOperatorLifecycle({
    isHandedState: true,
    operator: () => assignWatermarks(tableOf()),
    input: [at(0), at(1_000)],
    output: [
      { kind: 'watermark', watermarkMs: START_MS - 2_000 },
      { kind: 'event', event: at(0), timeMs: START_MS, timing: 'on-time' },
      { kind: 'event', event: at(1_000), timeMs: START_MS + 1_000, timing: 'on-time' },
      { kind: 'watermark', watermarkMs: START_MS - 1_000 },
    ],
    atCompletion: [{ kind: 'watermark', watermarkMs: Number.POSITIVE_INFINITY }],
    endless: (index) => at(1_000 * index),
  });

  it('raises the watermark before an event when time passed, after it when the event itself did', () => {
    expect(run([at(0), at(100_000)])).toEqual([
      'watermark -2000',
      'on-time 0',
      'watermark 98000',
      'on-time 100000',
      END,
    ]);
    expect(run([at(0), at(500)])).toEqual(['watermark -2000', 'on-time 0', 'on-time 500', 'watermark -1500', END]);
  });

  it('takes a tick as the passing of pipeline time only: it is no event and wakes no source', () => {
    const table = tableOf();
    const output = collect(assignWatermarks(table), [
      at(0),
      tickEvent(START_MS + 60_000),
      tickEvent(START_MS + 60_001),
    ]);
    expect(output.map(textOf)).toEqual(['watermark -2000', 'on-time 0', 'watermark 58001', END]);
    expect(table.size).toBe(1);
  });

  it('says nothing about a watermark that did not rise', () => {
    expect(run([at(0), at(0), at(-1_000, 0)])).toEqual([
      'watermark -2000',
      'on-time 0',
      'on-time 0',
      'on-time -1000',
      END,
    ]);
  });

  it('lets late and skewed events through, classed, and raises nothing after them', () => {
    expect(run([at(0), at(-2_001, 0), at(60_001, 0)])).toEqual([
      'watermark -2000',
      'on-time 0',
      'late -2001',
      'skewed 60001',
      END,
    ]);
  });

  const histories = fc
    .array(fc.tuple(fc.nat(4_000), fc.integer({ min: -62_000, max: 9_000 }), fc.constantFrom('ehr', 'slow', 'tick')), {
      maxLength: 25,
    })
    .map((steps) => {
      let arrived = 0;
      return logOf(
        steps.map(([gap, ago, source]) => {
          arrived += gap;
          return source === 'tick' ? tickEvent(START_MS + arrived) : at(arrived - ago, arrived, source);
        }),
      );
    });

  it('keeps its promise: no on-time event comes before a watermark, and watermarks only rise', () => {
    fc.assert(
      fc.property(histories, (log) => {
        let watermarkMs = Number.NEGATIVE_INFINITY;
        for (const element of collect(assignWatermarks(tableOf()), log)) {
          if (element.kind === 'watermark') {
            expect(element.watermarkMs).toBeGreaterThan(watermarkMs);
            watermarkMs = element.watermarkMs;
          } else if (element.timing === 'on-time') expect(element.timeMs).toBeGreaterThanOrEqual(watermarkMs);
          else if (element.timing === 'late') expect(element.timeMs).toBeLessThan(watermarkMs);
        }
      }),
    );
  });

  it('goes on from a snapshot at any place as if it had never stopped', () => {
    const withoutEnd = (input: readonly LoggedEvent[], table: SourceTable): string[] =>
      collect(assignWatermarks(table), input).map(textOf).slice(0, -1);
    fc.assert(
      fc.property(histories, (log) => {
        const expected = withoutEnd(log, tableOf());
        for (let place = 0; place <= log.length; place++) {
          const first = tableOf();
          const output = withoutEnd(log.slice(0, place), first);
          const second = tableOf();
          second.restore(jsonCopy(first.snapshot()));
          expect([...output, ...withoutEnd(log.slice(place), second)]).toEqual(expected);
        }
      }),
      { numRuns: 40 },
    );
  });
});
