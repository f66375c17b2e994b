import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { DeviceFact } from './facts';

/** What is known of a device; null for what nobody said. */
interface DeviceRecord {
  type: string | null;
  ward: string | null;
}

const DEVICES_MAX = 100_000;

/** Devices by id and by address, as events told of them; those heard of longest ago leave. */
export class DeviceInventory implements StateStore {
  readonly #byUid = newRecords();
  readonly #byAddress = newRecords();

  /** Takes news in; what they leave open stays as it was. */
  learn({ uid, ip, type, ward }: DeviceFact): void {
    const records = [this.#byUid.touch(uid, newRecord)];
    if (ip !== null) records.push(this.#byAddress.touch(ip, newRecord));
    for (const record of records) {
      record.type = type ?? record.type;
      record.ward = ward ?? record.ward;
    }
  }

  byUid(uid: string): Readonly<DeviceRecord> | undefined {
    return this.#byUid.touchKnown(uid);
  }

  byAddress(ip: string): Readonly<DeviceRecord> | undefined {
    return this.#byAddress.touchKnown(ip);
  }

  /** Sizes and evictions, each name after the prefix. */
  counters(prefix: string): Record<string, number> {
    return {
      [`${prefix}Devices`]: this.#byUid.size,
      [`${prefix}DevicesEvicted`]: this.#byUid.evictedCount + this.#byAddress.evictedCount,
    };
  }

  snapshot(): Json {
    return { byUid: this.#byUid.snapshot(), byAddress: this.#byAddress.snapshot() };
  }

  restore(state: Json): void {
    const { byUid, byAddress } = state as { byUid: Json; byAddress: Json };
    this.#byUid.restore(byUid);
    this.#byAddress.restore(byAddress);
  }
}

function newRecord(): DeviceRecord {
  return { type: null, ward: null };
}

function newRecords(): KeyedStore<DeviceRecord> {
  return new KeyedStore(DEVICES_MAX, {
    toJson: ({ type, ward }) => [type, ward],
    fromJson: (json) => {
      const [type, ward] = json as [string | null, string | null];
      return { type, ward };
    },
  });
}
