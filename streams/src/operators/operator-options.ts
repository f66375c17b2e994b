import { ProtegoError } from '@protego/contracts';

/** Longest duration of a window, milliseconds: 366 days, as for the timespans of Sigma. */
export const WINDOW_MS_MAX = 366 * 86_400_000;

/**
 * Checks that options are whole numbers within bounds: durations from 1 to {@link WINDOW_MS_MAX} milliseconds where the name
 * ends in `Ms`, else counts from 1 to 2^53 − 1. Options that are not given pass.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` with the name and the value.
 */
export function checkOptions(options: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    checkWhole(name, value, 1, name.endsWith('Ms') ? WINDOW_MS_MAX : Number.MAX_SAFE_INTEGER);
  }
}

/**
 * Checks one whole number.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` with the name and the value.
 */
export function checkWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw optionInvalid(name, value, `a whole number from ${least} to ${most}`);
}

/**
 * Checks one number that need not be whole.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` with the name and the value.
 */
export function checkPositive(name: string, value: number): void {
  if (!Number.isFinite(value) || value <= 0) throw optionInvalid(name, value, 'a finite number above 0');
}

function optionInvalid(name: string, value: number, wanted: string): ProtegoError {
  return new ProtegoError('OPERATOR_OPTION_INVALID', `option \`${name}\` must be ${wanted}, but is ${value}`, {
    option: name,
    value: String(value),
  });
}
