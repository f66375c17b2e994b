import { ProtegoError } from '@protego/contracts';

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

/**
 * Milliseconds of an age such as 365d, 72h, 5m or 30s.
 *
 * @param option name of the option, for the message
 * @throws ProtegoError `USAGE_INVALID`
 */
export function ageOf(text: string, option: string): number {
  const match = /^(\d{1,6})([dhms])$/.exec(text);
  if (match === null) throw new ProtegoError('USAGE_INVALID', `${option} \`${text}\` is not an age such as 365d`);
  return Number(match[1]) * (UNIT_MS[match[2] as string] as number);
}
