import type { LoggedEvent } from '@protego/contracts';
import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';

/** What is known of a device. */
export type DeviceRecord = {
  /** Class of device, such as `infusion-pump`. */
  readonly type?: string;
  readonly ward?: string;
};

/** News of a device. */
export type DeviceNews = DeviceRecord & { readonly uid: string; readonly ip?: string };

/** Types of events that say what a device is and where it belongs. */
export const INVENTORY_TYPES = ['device.joined', 'roster.device-assigned'] as const;

const DEVICES_MAX = 100_000;

/** What an event says of its device: from inventory events, and from any other that names class or ward. */
export function readDeviceNews({ event }: LoggedEvent): DeviceNews | undefined {
  const { device } = event.data as { readonly device?: Partial<DeviceNews> };
  if (typeof device?.uid !== 'string') return undefined;
  const { uid, type, ward, ip } = device;
  return { uid, ...textAs('type', type), ...textAs('ward', ward), ...textAs('ip', ip) };
}

function textAs<K extends string>(name: K, value: unknown): Partial<Record<K, string>> {
  return (typeof value === 'string' ? { [name]: value } : {}) as Partial<Record<K, string>>;
}

/** Devices by id and by address, as events told of them; those heard of longest ago leave. */
export class DeviceInventory implements StateStore {
  readonly #devices = new KeyedStore<{ record: DeviceRecord }>(DEVICES_MAX, {
    toJson: ({ record }) => record,
    fromJson: (json) => ({ record: json as DeviceRecord }),
  });

  /** Takes news in; what they leave open stays as it was. */
  learn({ uid, ip, type, ward }: DeviceNews): void {
    const news = { ...(type === undefined ? {} : { type }), ...(ward === undefined ? {} : { ward }) };
    for (const key of ip === undefined ? [`uid ${uid}`] : [`uid ${uid}`, `ip ${ip}`]) {
      const entry = this.#devices.touch(key, () => ({ record: {} }));
      entry.record = { ...entry.record, ...news };
    }
  }

  byUid(uid: string): DeviceRecord | undefined {
    return this.#devices.touchKnown(`uid ${uid}`)?.record;
  }

  byAddress(ip: string): DeviceRecord | undefined {
    return this.#devices.touchKnown(`ip ${ip}`)?.record;
  }

  /** Sizes and evictions, each name after the prefix. */
  counters(prefix: string): Record<string, number> {
    return { [`${prefix}Devices`]: this.#devices.size, [`${prefix}DevicesEvicted`]: this.#devices.evictedCount };
  }

  snapshot(): Json {
    return this.#devices.snapshot();
  }

  restore(state: Json): void {
    this.#devices.restore(state);
  }
}
