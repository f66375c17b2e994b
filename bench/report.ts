import { caseName, type BenchCase, type BenchNotRun, type BenchResult } from './bench-case';
import type { Machine } from './host';
import { numberText } from './rounds';

/** All that one run of `npm run bench` found. */
export interface BenchReport {
  readonly machine: Machine & {
    /** Load averages of the minute before the first bench and of the last minute of all of them. */
    readonly loadBefore: number;
    readonly loadAfter: number;
  };
  readonly commit: string;
  readonly results: readonly BenchResult[];
  /** What could not be measured here; never a value. */
  readonly notRun: readonly BenchNotRun[];
}

/** The report as lines for a person. */
export function reportLines({ machine, commit, results, notRun }: BenchReport): string[] {
  const { cpu, cores, memoryBytes, node, loadBefore, loadAfter } = machine;
  const memory = `${Math.round(memoryBytes / 2 ** 30)} GiB`;
  return [
    `machine: ${cpu}, ${cores} cores, ${memory}, Node ${node}, load ${loadBefore} before and ${loadAfter} after`,
    `commit: ${commit}`,
    ...(results.length === 0 ? [] : ['', ...table([HEAD, ...results.map(rowOf)])]),
    ...results.flatMap((each) => (each.input === undefined ? [] : [`input of ${caseName(each)}: ${each.input}`])),
    ...notRun.map((entry) => `not run: ${caseName(entry)}${entry.part === 'peer' ? ' (peer)' : ''}: ${entry.reason}`),
  ];
}

/** The cases as lines for a person. */
export function listLines(cases: readonly BenchCase[]): string[] {
  return cases.map((entry) => {
    const peer = entry.peer === undefined ? '' : ` Peer: ${entry.peer}.`;
    return `${caseName(entry)} (${entry.unit}): ${entry.description}${peer}`;
  });
}

const HEAD = ['bench', 'median', 'unit', 'least to greatest', 'rounds', 'peer', 'ratio'];

function rowOf(result: BenchResult): string[] {
  const { value, unit, spread, rounds, peerValue, peer, ratio } = result;
  return [
    caseName(result),
    numberText(value),
    unit,
    `${numberText(spread[0])} to ${numberText(spread[1])}`,
    String(rounds),
    peerValue === undefined ? '' : `${numberText(peerValue)} ${peer ?? ''}`,
    ratio === undefined ? '' : ratio.toFixed(2),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
