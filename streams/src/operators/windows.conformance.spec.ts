import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { LoggedEvent } from '@protego/contracts';
import { Subject, map, pipe, type OperatorFunction } from 'rxjs';
import { collect, declarationsOf, loggedEvent, tickEvent } from '../testing';
import { countAggregate, valuesAggregate } from './aggregate';
import { assignWatermarks } from './assign-watermarks';
import { branches } from './branches';
import { mistimedEvents } from './mistimed-events';
import { sessionWindow } from './session-window';
import { SourceTable } from './source-table';
import type { StreamElement } from './stream-element';
import { tumblingWindow } from './tumbling-window';

type Row = Readonly<Record<string, unknown>>;
type Query = OperatorFunction<StreamElement<LoggedEvent>, Row>;

const VECTORS = resolve(__dirname, '../../../../shared/conformance/windows');
const bytesOf = (name: string): Buffer => readFileSync(join(VECTORS, name));
const linesOf = <T>(bytes: Buffer): T[] =>
  bytes
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
const sortedJson = (rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

/** What Arroyo writes for a time: no zone, and no fraction where it is zero. */
const timeText = (timeMs: number): string => new Date(timeMs).toISOString().replace(/(\.000)?Z$/, '');
const typeOf = ({ event }: LoggedEvent): string => String(event.data['event_type']);
const userOf = ({ event }: LoggedEvent): string => String(event.data['counter']).replace(/^\d*0$/, '0');
const count = countAggregate();

/** The statement of each case: its window, and what its rows show. */
const QUERIES: Readonly<Record<string, Query>> = {
  tight_watermark: pipe(
    tumblingWindow({ ...count, windowMs: 3_600_000, keyOf: () => '' }),
    map(({ endMs, value }) => ({ count: value, timestamp: timeText(endMs) })),
  ),
  session_window: pipe(
    sessionWindow({ ...count, gapMs: 20_000, keyOf: userOf }),
    map((pane) => ({ ...pane, start: timeText(pane.startMs), end: timeText(pane.endMs) })),
    map(({ key, start, end, value }) => ({ end, rows: value, start, user_id: Number(key) })),
  ),
  hourly_by_event_type: pipe(
    tumblingWindow({ ...count, windowMs: 3_600_000, keyOf: typeOf }),
    map(({ key, startMs, value }) => ({ event_type: key, hour: timeText(startMs), count: value })),
  ),
};

function answer(query: Query, input: string): Row[] {
  const bytes = input === 'cars.json' ? gunzipSync(bytesOf('inputs/cars.json.gz')) : bytesOf(`inputs/${input}`);
  const log = linesOf<{ timestamp: string }>(bytes).map((data, index) =>
    loggedEvent({ id: String(index), timeMs: Date.parse(data.timestamp), data }),
  );
  // The cars are up to 23 s out of order, which the lateness has to cover.
  const table = new SourceTable(declarationsOf([{ name: 'ehr', latenessMs: 30_000 }]));
  return collect(pipe(assignWatermarks(table), query), log);
}

describe('Arroyo goldens', () => {
  const cases = linesOf<{ case: string; inputs: [string]; golden: Row[] }>(bytesOf('arroyo_cases.jsonl'));

  it('has all cases', () => {
    process.stderr.write(`windows: ${cases.length} Arroyo goldens\n`);
    expect(cases.map(({ golden }) => golden.length)).toEqual([26, 91, 51]);
  });

  it.each(cases.map((one) => [one.case, one] as const))('%s', (name, { inputs, golden }) => {
    expect(sortedJson(answer(QUERIES[name] as Query, inputs[0]))).toEqual(sortedJson(golden));
  });
});

type Named = 'name' | 'error' | 'window_fn' | 'windowfn' | 'trigger_fn' | 'timestamp_combiner';
type Transcript = { readonly [K in Named]?: string } & {
  readonly transcript: readonly { input?: number[]; watermark?: number; expect?: Record<string, unknown>[] }[];
};

const values = valuesAggregate(({ timeMs }: LoggedEvent) => timeMs, 100);

/**
 * Plays a transcript. Elements arrive while pipeline time stands still; a tick, at which their source counts as idle, then
 * moves the watermark to its place.
 * @throws Error when what comes out is not what is expected.
 */
function play({ transcript, ...one }: Transcript): void {
  const windowMs = Number(/^(?:Custom\w+)?Fixed\w+\((\d+)\)$/.exec(one.window_fn ?? one.windowfn ?? '')?.[1]);
  const isEarliest = one.timestamp_combiner === 'OUTPUT_AT_EARLIEST';
  const panes: Query = pipe(
    tumblingWindow({ ...values, windowMs, keyOf: () => '' }),
    map(({ startMs, endMs, value: { values: times } }) => {
      const timestamp = isEarliest ? times[0] : endMs - 1;
      return { window: [startMs, endMs - 1], values: times, timestamp, index: 0, late: false };
    }),
  );
  const behind: Query = pipe(
    mistimedEvents(),
    map(({ timeMs, timing }) => ({ [timing]: timeMs })),
  );
  const log = new Subject<LoggedEvent>();
  const table = new SourceTable(declarationsOf([{ name: 'ehr', idleAfterMs: 0 }]));
  const found: Row[] = [];
  log.pipe(assignWatermarks(table), branches(panes, behind)).subscribe((row) => found.push(row));
  let arrivedAtMs = 0;
  for (const { input = [], watermark, expect: expected } of [
    ...transcript,
    { expect: [] },
  ] as Transcript['transcript']) {
    for (const timeMs of input) log.next(loggedEvent({ id: String(timeMs), timeMs, arrivedAtMs }));
    if (watermark !== undefined)
      log.next(tickEvent((arrivedAtMs = watermark + table.declarations.defaults.latenessMs)));
    // Whether a trigger has finished says nothing here: there is none.
    for (const { final: _, ...wanted } of expected ?? []) {
      const isWanted = (row: Row): boolean =>
        Object.keys(wanted).every((name) => isDeepStrictEqual(row[name], wanted[name]));
      if (!found.some(isWanted)) throw new Error('Unmatched output');
      found.splice(found.findIndex(isWanted), 1);
    }
    if (expected !== undefined && found.length > 0) throw new Error('Unmatched output');
  }
}

describe('Beam transcripts', () => {
  const all = linesOf<Transcript>(bytesOf('beam_transcripts.jsonl'));
  const inScope = all.filter(({ trigger_fn: trigger }) => trigger === undefined || trigger === 'Default');
  const failing = inScope.filter(({ error }) => error !== undefined);
  const late = inScope.filter(({ name }) => name === 'known_late_data_no_watermark_hold_possible');
  const passing = inScope.filter((one) => !failing.includes(one) && !late.includes(one));

  it('has all transcripts', () => {
    const others = all.filter((one) => !inScope.includes(one)).map((one) => `${one.name}, ${one.trigger_fn}`);
    const text = `${passing.length} Beam transcripts, ${failing.length} that must fail, ${late.length} behind its watermark`;
    process.stderr.write(`windows: ${text}; out of scope by their triggers: ${others.join('; ')}\n`);
    expect([passing.length, failing.length, late.length, others.length]).toEqual([3, 2, 1, 2]);
  });

  it.each(passing.map((one) => [one.name, one] as const))('%s', (_, one) => expect(() => play(one)).not.toThrow());

  it.each(failing.map((one) => [one.name, one] as const))('%s', (_, one) => expect(() => play(one)).toThrow(one.error));

  it.each(late.map((one) => [one.name, one] as const))('%s: no pane, all in the late stream', (_, one) => {
    expect(() => play(one)).toThrow('Unmatched output');
    const expected = [2, 3, 7].map((timeMs) => ({ late: timeMs }));
    play({ ...one, transcript: one.transcript.map((step) => (step.expect ? { expect: expected } : step)) });
  });
});
