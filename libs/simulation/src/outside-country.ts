import { SeededRandom } from './random';

/** Country of the hospital (ISO 3166-1 alpha-2). */
export const HOME_COUNTRY = 'DE';

/** Some people live, and some networks end, across the border. */
const NEAR_COUNTRIES = ['FR', 'LU', 'BE'] as const;
const NEAR_SHARE = 0.08;

/** Country of an address on the Internet: the same for all of a network of 256 addresses. */
export function countryOf(ip: string): string {
  const random = SeededRandom.ofStream(0, `country/${ip.slice(0, ip.lastIndexOf('.'))}`);
  return random.chance(NEAR_SHARE) ? random.pick(NEAR_COUNTRIES) : HOME_COUNTRY;
}
