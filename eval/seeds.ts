import { createHash } from 'node:crypto';

/** What a seed may be used for. */
export type SeedClass = 'evaluation' | 'tuning';

/** Hashes are cut to so many hexadecimal digits: 48 bits, within what a number holds exactly. */
const SEED_DIGITS = 12;

/**
 * Seed of a numbered simulation of a scenario. Seeds of the evaluation are odd and those of tuning even, so that no number gives
 * both: who tunes with seeds of tuning has never seen what the evaluation runs on.
 *
 * @param n - a whole number from 0
 */
export function seedOf(seedClass: SeedClass, n: number, scenario = 'general'): number {
  const hash = Number.parseInt(digestOf(`${seedClass}/${scenario}/${n}`).slice(0, SEED_DIGITS), 16);
  return hash - (hash % 2) + (seedClass === 'evaluation' ? 1 : 0);
}

/** Seed of simulation `n` of the evaluation; nothing may be tuned on it. */
export function evalSeed(n: number, scenario?: string): number {
  return seedOf('evaluation', n, scenario);
}

/** Seed of simulation `n` for tuning. */
export function tuningSeed(n: number, scenario?: string): number {
  return seedOf('tuning', n, scenario);
}

/** True for seeds that belong to the evaluation. */
export function isEvalSeed(seed: number): boolean {
  return seed % 2 === 1;
}

/** A number in `[0, 1)` that a seed draws for a name: the same on every machine. */
export function drawOf(seed: number, name: string): number {
  return Number.parseInt(digestOf(`${seed}/${name}`).slice(0, SEED_DIGITS), 16) / 16 ** SEED_DIGITS;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
