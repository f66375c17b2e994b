import { createHash } from 'node:crypto';
import type { DeviceClass, SimulatedDevice } from './hospital/model';
import { SeededRandom } from './random';

const DAY_MS = 86_400_000;
/** Every so often a maker releases firmware. */
const CYCLE_DAYS = 28;
/** The first release of all, milliseconds since the Unix epoch. */
const FIRST_RELEASE_MS = Date.UTC(2019, 0, 7);

/** Classes whose firmware the house keeps. */
export const FIRMWARE_CLASSES = [
  'infusion-pump',
  'patient-monitor',
  'ventilator',
  'imaging',
] as const satisfies DeviceClass[];

/** Firmware of a class of devices. */
export interface Firmware {
  readonly version: string;
  /** SHA-256 of what the maker signed, hex. */
  readonly digest: string;
}

/** The release of a number, counted from 0. */
export function firmwareRelease(type: DeviceClass, release: number): Firmware {
  const version = `${3 + Math.floor(release / 12)}.${Math.floor(release / 4) % 3}.${release % 4}`;
  return { version, digest: createHash('sha256').update(`${type}/${version}`).digest('hex') };
}

/** Firmware that no maker released, under a version that one did. */
export function strangeFirmware(random: SeededRandom, version: string): Firmware {
  return { version, digest: createHash('sha256').update(`${random.word()}/${random.word()}/${version}`).digest('hex') };
}

/** Day of the cycle on which a ward's devices of a class get a release, when the maker's service and the ward have agreed on it. */
function rollOutDay(seed: number, type: DeviceClass, ward: string): number {
  return SeededRandom.ofStream(seed, `firmware/${type}/${ward}`).integer(0, CYCLE_DAYS - 1);
}

/** Number of the release that devices of a class and ward run at the end of a day; days count from the Unix epoch. */
export function releaseOnDay(seed: number, type: DeviceClass, ward: string, day: number): number {
  const firstDay = FIRST_RELEASE_MS / DAY_MS + rollOutDay(seed, type, ward);
  return Math.max(0, Math.floor((day - firstDay) / CYCLE_DAYS));
}

/** True on the day on which devices of a class and ward get a release. */
export function isRollOutDay(seed: number, type: DeviceClass, ward: string, day: number): boolean {
  return releaseOnDay(seed, type, ward, day) !== releaseOnDay(seed, type, ward, day - 1);
}

/** Number of the release that a device ran the day before a time, milliseconds since the Unix epoch. */
export function releaseBefore(seed: number, { view }: SimulatedDevice, timeMs: number): number {
  return releaseOnDay(seed, view.type, view.ward, Math.floor(timeMs / DAY_MS) - 1);
}
