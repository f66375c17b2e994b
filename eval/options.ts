import { SETTINGS } from '@protego/simulation';

/** What was asked for makes no sense; the message says why. */
export class UsageError extends Error {}

const NUMBER_MAX = 1_000_000;
const NUMBERS_COUNT_MAX = 10_000;

/**
 * Numbers of a list such as `1-20` or `3,7,9-11`, in its order, each once.
 *
 * @throws UsageError
 */
export function parseNumbers(option: string, text: string): number[] {
  const numbers = text.split(',').flatMap((part) => {
    const [, first = '', last = first] = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === '' || to < from || to > NUMBER_MAX || to - from >= NUMBERS_COUNT_MAX)
      throw new UsageError(`${option} \`${part.slice(0, 64)}\` is neither a number nor a range`);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
  return [...new Set(numbers)];
}

/**
 * Settings of the simulation as written after `--set`.
 *
 * @throws UsageError
 */
export function parsePairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key, value] = [pair.slice(0, Math.max(0, pair.indexOf('='))), pair.slice(pair.indexOf('=') + 1)];
      if (!Object.hasOwn(SETTINGS, key))
        throw new UsageError(`\`${pair.slice(0, 64)}\` is no setting of the simulation`);
      return [key, value];
    }),
  );
}
