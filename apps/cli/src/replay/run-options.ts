import type { Command } from 'commander';
import { ProtegoError, formatRfc3339, parseRfc3339Ms } from '@protego/contracts';
import type { LogStat } from '@protego/event-log';
import type { EmitRange } from '@protego/replay';
import { ARTEFACTS_HELP, type ReplayArtefactOptions } from '../artefact/replay-artefacts';
import { shippedStreamsDir } from '../installation';

export { directorySet as artefactsOf } from '../artefact/replay-artefacts';

/** A bound of a range: a seq, or an event time. */
export type Bound = { readonly seq: number } | { readonly timeMs: number };

/** Options that say which rules run. */
export type RuleChoice = ReplayArtefactOptions;

/** Options that say which results are wanted. */
export interface RangeChoice {
  readonly from?: Bound;
  readonly to?: Bound;
}

/** Gives a command the options of {@link RuleChoice}. */
export function withRuleChoice(command: Command): Command {
  return command
    .option('--rules <path>', 'directory of rules, or JSON lines of {path,id,yaml} (default: <streams>/rules)')
    .option('--artefacts <set>', ARTEFACTS_HELP)
    .option('--streams <dir>', 'directory with declarations/ and rules/', shippedStreamsDir());
}

/** Gives a command the options of {@link RangeChoice}. */
export function withRange(command: Command): Command {
  return command
    .option(
      '--from <bound>',
      'leave out results certain before this event time (RFC 3339), or found before this seq',
      boundOf('--from'),
    )
    .option(
      '--to <bound>',
      'leave out results certain at or after this event time, or found at or after this seq',
      boundOf('--to'),
    );
}

/**
 * The range that the options name.
 *
 * @throws ProtegoError `USAGE_INVALID` when one bound is a time and the other a seq, or when nothing lies between them
 */
export function emitRangeOf({ from, to }: RangeChoice): EmitRange {
  const bounds = [from, to].filter((bound) => bound !== undefined);
  if (bounds.length === 2 && new Set(bounds.map((bound) => 'seq' in bound)).size === 2)
    throw new ProtegoError('USAGE_INVALID', '`--from` and `--to` must both be event times, or both be seqs');
  const isBySeq = bounds.some((bound) => 'seq' in bound);
  const valueOf = (bound: Bound | undefined): number | undefined =>
    bound === undefined ? undefined : 'seq' in bound ? bound.seq : bound.timeMs;
  if ((valueOf(from) ?? Number.NEGATIVE_INFINITY) >= (valueOf(to) ?? Number.POSITIVE_INFINITY))
    throw new ProtegoError('USAGE_INVALID', 'the range is empty: `--from` must lie before `--to`');
  return isBySeq
    ? { emitFromSeq: valueOf(from), emitToSeq: valueOf(to) }
    : { emitFromMs: valueOf(from), emitToMs: valueOf(to) };
}

/** What to warn of where a range begins after the end of a log; undefined where it does not. */
export function warningOf(
  { emitFromMs, emitFromSeq }: EmitRange,
  { size, lastTimeMs }: Pick<LogStat, 'size' | 'lastTimeMs'>,
): string | undefined {
  if (emitFromSeq !== undefined && emitFromSeq >= size)
    return `warning: --from ${emitFromSeq} lies beyond the log, which ends before seq ${size}`;
  if (emitFromMs === undefined || (lastTimeMs !== undefined && emitFromMs <= lastTimeMs)) return undefined;
  const end = lastTimeMs === undefined ? 'holds no events' : `ends with events of ${formatRfc3339(lastTimeMs)}`;
  return `warning: --from ${formatRfc3339(emitFromMs)} lies beyond the log, which ${end}`;
}

/**
 * Reads a number of things, at least one.
 *
 * @param name - of the option
 */
export function countOf(name: string, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,16}$/.test(text) && value >= 1 && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? 'a whole number from 1 on' : `1 to ${most}`;
    throw new ProtegoError('USAGE_INVALID', `${name} \`${text}\`: it takes ${range}`);
  };
}

/** Most threads of one replay. */
export const WORKERS_MAX = 16;

function boundOf(name: string): (text: string) => Bound {
  return (text) => {
    if (/^\d{1,15}$/.test(text)) return { seq: Number(text) };
    const timeMs = parseRfc3339Ms(text);
    if (timeMs === undefined)
      throw new ProtegoError('USAGE_INVALID', `${name} \`${text}\` is neither an RFC 3339 date-time nor a seq`);
    return { timeMs };
  };
}
