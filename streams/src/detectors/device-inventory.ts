import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { DeviceFact } from './facts';

/** What is known of a device; null for what nobody said. */
interface DeviceRecord {
  uid: string;
  type: string | null;
  ward: string | null;
}

const DEVICES_MAX = 100_000;

/** Devices by id and by address, as events told of them; those heard of longest ago leave. */
export class DeviceInventory implements StateStore {
  readonly #byUid = newRecords();
  readonly #byAddress = newRecords();

  /** Takes news in; what they leave open stays as it was, unless an address has gone to another device. */
  learn({ uid, ip, type, ward }: DeviceFact): void {
    update(this.#byUid.touch(uid, newRecord), uid, type, ward);
    if (ip !== null) update(this.#byAddress.touch(ip, newRecord), uid, type, ward);
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

function update(record: DeviceRecord, uid: string, type: string | null, ward: string | null): void {
  const isSame = record.uid === uid;
  record.uid = uid;
  record.type = type ?? (isSame ? record.type : null);
  record.ward = ward ?? (isSame ? record.ward : null);
}

function newRecord(): DeviceRecord {
  return { uid: '', type: null, ward: null };
}

function newRecords(): KeyedStore<DeviceRecord> {
  return new KeyedStore(DEVICES_MAX, {
    toJson: ({ uid, type, ward }) => [uid, type, ward],
    fromJson: (json) => {
      const [uid, type, ward] = json as [string, string | null, string | null];
      return { uid, type, ward };
    },
  });
}
