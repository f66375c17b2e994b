import type { ReplayRecord } from '@protego/replay';
import type { EventSeq } from '@protego/contracts';

/** Stands for sealed fields in a thread, which needs to know only that there are some: what they say comes beside the record. */
const SEALED = Uint8Array.of(0);

/** Records in a few buffers, which are handed to a thread many times faster than objects. */
export interface RecordPack {
  readonly seqs: Float64Array;
  readonly timesMs: Float64Array;
  readonly arrivedAtMs: Float64Array;
  /** Different types, and the place among them of each record's. */
  readonly types: readonly string[];
  readonly typeAt: Uint16Array;
  /** 1 for a record with sealed fields. */
  readonly isSealed: Uint8Array;
  readonly bodies: Uint8Array;
  /** Where each body ends; it begins where the one before ends. */
  readonly bodyEnds: Uint32Array;
}

/** Packs at most 65,536 records. */
export function packed(records: readonly ReplayRecord[]): RecordPack {
  const places = new Map<string, number>();
  const bodyBytes = records.reduce((sum, { body }) => sum + body.length, 0);
  const pack = {
    seqs: Float64Array.from(records, ({ seq }) => seq),
    timesMs: Float64Array.from(records, ({ timeMs }) => timeMs),
    arrivedAtMs: Float64Array.from(records, ({ arrivedAtMs }) => arrivedAtMs),
    typeAt: new Uint16Array(records.length),
    isSealed: Uint8Array.from(records, (record) => (hasSealed(record) ? 1 : 0)),
    bodies: new Uint8Array(bodyBytes),
    bodyEnds: new Uint32Array(records.length),
  };
  let end = 0;
  records.forEach(({ type, body }, i) => {
    let place = places.get(type);
    if (place === undefined) places.set(type, (place = places.size));
    pack.typeAt[i] = place;
    pack.bodies.set(body, end);
    pack.bodyEnds[i] = end += body.length;
  });
  return { ...pack, types: [...places.keys()] };
}

/** The records of a pack; of sealed fields only whether there are any. */
export function unpacked(pack: RecordPack): ReplayRecord[] {
  const { seqs, timesMs, arrivedAtMs, types, typeAt, isSealed, bodies, bodyEnds } = pack;
  return Array.from({ length: seqs.length }, (_, i) => {
    const body = bodies.subarray(i === 0 ? 0 : bodyEnds[i - 1], bodyEnds[i]);
    const record = {
      seq: seqs[i] as EventSeq,
      timeMs: timesMs[i] as number,
      arrivedAtMs: arrivedAtMs[i] as number,
      type: types[typeAt[i] as number] as string,
      body,
    };
    return isSealed[i] === 1 ? { ...record, sealed: SEALED } : record;
  });
}

/** Whether a record has sealed fields. */
export function hasSealed({ sealed }: ReplayRecord): boolean {
  return sealed !== undefined && sealed.length > 0;
}
