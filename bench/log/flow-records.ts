import { canonicalJson, formatRfc3339 } from '@protego/contracts';
import type { LogRecordInput } from '@protego/event-log';

/** First event time, milliseconds. */
const START_MS = Date.UTC(2026, 2, 2, 7);
const TYPE = 'device.network-flow-observed';

/**
 * Network flows of devices as log records, about 350 bytes each, without personal fields. No two are equal, and number n
 * is the same in every run.
 */
export function flowRecords(count: number): LogRecordInput[] {
  return Array.from({ length: count }, (_, n) => flowRecord(n));
}

function flowRecord(n: number): LogRecordInput {
  const timeMs = START_MS + n;
  // Multiplying by an odd constant scatters neighbouring numbers and never maps two of them to one.
  const scattered = Math.imul(n, 2_654_435_761) >>> 0;
  const device = scattered % 5_000;
  const time = formatRfc3339(timeMs);
  const event = {
    specversion: '1.0',
    id: `flow-${scattered.toString(16).padStart(8, '0')}`,
    source: 'network-monitor',
    type: TYPE,
    time,
    arrivedat: time,
    site: 'north',
    data: {
      device: { uid: `pump-${device}` },
      src_endpoint: { ip: `10.20.${device >> 8}.${device & 255}`, port: 1_024 + (scattered % 60_000) },
      dst_endpoint: { ip: `10.1.0.${scattered & 63}`, port: 443 },
      traffic: { bytes_in: scattered & 0xffff },
    },
  };
  return {
    body: Buffer.from(canonicalJson(event)),
    timeMs,
    arrivedAtMs: timeMs + 3,
    recordedAtMs: timeMs + 5,
    type: TYPE,
    subjects: [event.data.device.uid],
    // Stands for keyed hashes: what counts is that no two are equal, and that none is zero, which stands for no id.
    identity: { idHigh: scattered, idLow: n + 1, contentHigh: n, contentLow: scattered },
  };
}

/**
 * The records again and again, `passes` times, a batch at a time: each pass has other times and other ids, so that no two
 * records are equal, and equal bodies are farther apart than compression reaches.
 */
export function* repeatedBatches(
  records: readonly LogRecordInput[],
  passes: number,
  size: number,
): Generator<LogRecordInput[]> {
  for (let pass = 0; pass < passes; pass++) {
    for (let at = 0; at < records.length; at += size) {
      yield records.slice(at, at + size).map((record, i) => inPass(record, pass, pass * records.length + at + i));
    }
  }
}

function inPass(record: LogRecordInput, pass: number, n: number): LogRecordInput {
  const laterMs = pass * 3_600_000;
  const idHigh = Math.imul(n, 2_654_435_761) >>> 0;
  return {
    ...record,
    timeMs: record.timeMs + laterMs,
    arrivedAtMs: record.arrivedAtMs + laterMs,
    recordedAtMs: record.recordedAtMs + laterMs,
    identity: { idHigh, idLow: n + 1, contentHigh: n, contentLow: idHigh },
  };
}

/** Records in batches of `size`; the last may be shorter. */
export function batchesOf(records: readonly LogRecordInput[], size: number): LogRecordInput[][] {
  return Array.from({ length: Math.ceil(records.length / size) }, (_, n) => records.slice(n * size, (n + 1) * size));
}
