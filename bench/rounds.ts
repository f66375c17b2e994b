import { caseName, type BenchCase, type BenchResult, type Contest, type Say } from './bench-case';

/** The middle value, or the mean of the two middle ones; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Measures a case: one round that is not counted, in which the code gets compiled, then the rounds that are. Product and
 * peer take turns within a round and change places between rounds, so that neither a machine that slows down nor what
 * the other left behind favours one of them. A case that is measured once has one round, the product first.
 */
export async function measure(bench: BenchCase, contest: Contest, rounds: number, say: Say): Promise<BenchResult> {
  const values: number[] = [];
  const peerValues: number[] = [];
  const { isOnce = false } = bench;
  const last = isOnce ? 1 : rounds;
  for (let round = isOnce ? 1 : 0; round <= last; round++) {
    const isPeerFirst = !isOnce && round % 2 === 1;
    const early = isPeerFirst ? await measured(contest.peer) : undefined;
    const value = (await measured(contest.product)) ?? Number.NaN;
    const peerValue = early ?? (await measured(contest.peer));
    say(`${caseName(bench)}: ${round === 0 ? 'warm-up' : `round ${round} of ${last}`}: ${line(value, peerValue)}`);
    if (round === 0) continue;
    values.push(value);
    if (peerValue !== undefined) peerValues.push(peerValue);
  }
  const result = resultOf(bench, values, peerValues);
  return contest.input === undefined ? result : { ...result, input: contest.input };
}

async function measured(run: Contest['product'] | undefined): Promise<number | undefined> {
  if (run === undefined) return undefined;
  // Each begins with a collected heap: neither pays for the other's garbage.
  globalThis.gc?.();
  return run();
}

function resultOf(
  { bench, metric, unit, peer }: BenchCase,
  values: readonly number[],
  peerValues: readonly number[],
): BenchResult {
  const value = median(values);
  const spread = [Math.min(...values), Math.max(...values)] as const;
  const result = { bench, metric, unit, value, rounds: values.length, spread };
  if (peerValues.length === 0) return result;
  const peerValue = median(peerValues);
  return { ...result, peer, peerValue, ratio: value / peerValue };
}

function line(value: number, peerValue: number | undefined): string {
  return peerValue === undefined ? numberText(value) : `${numberText(value)}, peer ${numberText(peerValue)}`;
}

/** A number as people read it: whole from 100 on, else three digits. */
export function numberText(value: number): string {
  const text = Math.abs(value) >= 100 ? Math.round(value).toString() : Number(value.toPrecision(3)).toString();
  return text.replace(/\B(?=(\d{3})+$)/g, text.includes('.') ? '' : ',');
}

/** Things per second. */
export function ratePerSecond(count: number, elapsedMs: number): number {
  return (count * 1_000) / elapsedMs;
}
