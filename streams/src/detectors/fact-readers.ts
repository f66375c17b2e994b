import type { LoggedEvent } from '@protego/contracts';

/** Data of an event; only what its type declares was checked when it came, and records of others can hold anything. */
export type FactData = LoggedEvent['event']['data'];

/** A device, as an event names it; null for what the event does not say. */
export type DeviceFact = {
  readonly uid: string;
  /** Class of device, such as `infusion-pump`. */
  readonly type: string | null;
  readonly ward: string | null;
  readonly ip: string | null;
};

/** Longer names are nobody's: they would only fill the memory. */
const NAME_LENGTH_MAX = 255;
const NOTHING: FactData = {};

/** An object within data; an empty one where there is none. */
export function memberOf(data: FactData, name: string): FactData {
  const value = data[name];
  return value !== null && typeof value === 'object' ? (value as FactData) : NOTHING;
}

/** A name of up to 255 characters; null where there is none. */
export function nameOf(data: FactData, key: string): string | null {
  const value = data[key];
  return typeof value === 'string' && value.length <= NAME_LENGTH_MAX ? value : null;
}

/** The device that an event names; null where it names none. */
export function deviceFact(data: FactData): DeviceFact | null {
  const device = memberOf(data, 'device');
  const uid = nameOf(device, 'uid');
  if (uid === null) return null;
  return { uid, type: nameOf(device, 'type'), ward: nameOf(device, 'ward'), ip: nameOf(device, 'ip') };
}
