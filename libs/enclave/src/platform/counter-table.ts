import { ProtegoError, canonicalJson } from '@protego/contracts';
import { HMAC_SHA256_BYTES, hmacSha256, isHmacSha256 } from '../primitives/hmac';
import { isCounterName } from './names';
import { jsonObjectOf } from '../json-object';

/** Most counters of one platform. */
export const COUNTERS_MAX = 1024;

/** Values by name. */
export type CounterTable = ReadonlyMap<string, number>;

/** The file of a table: canonical JSON with an HMAC-SHA256, and a line feed. */
export function formatCounters(table: CounterTable, key: Buffer): Buffer {
  const fields = { format: 1, counters: Object.fromEntries(table) };
  return Buffer.from(`${canonicalJson({ ...fields, mac: hmacSha256(key, canonicalJson(fields)).toString('hex') })}\n`);
}

/**
 * Reads the file of a table; every byte of it has to be as it was written.
 *
 * @throws ProtegoError `ENCLAVE_PLATFORM_DAMAGED`
 */
export function parseCounters(text: Buffer, key: Buffer, path: string): CounterTable {
  const { mac, ...fields } = jsonObjectOf(text);
  const claimed = Buffer.from(typeof mac === 'string' ? mac : '', 'hex');
  if (claimed.length === HMAC_SHA256_BYTES && isHmacSha256(key, canonicalJson(fields), claimed)) {
    const table = new Map(Object.entries((fields['counters'] ?? {}) as Record<string, number>));
    if (formatCounters(table, key).equals(text)) return table;
  }
  const message = `\`${path}\` was altered, is torn, or belongs to another platform: restore the newest one`;
  throw new ProtegoError('ENCLAVE_PLATFORM_DAMAGED', message, { path });
}

/**
 * A table in which one counter has a value.
 *
 * @throws ProtegoError `ENCLAVE_COUNTER_REFUSED` for a value that no counter can have, and when there are too many
 */
export function withCounter(table: CounterTable, name: string, value: number): CounterTable {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ProtegoError('ENCLAVE_COUNTER_REFUSED', `a counter cannot become \`${value}\``, { name });
  }
  const next = new Map(table).set(name, value);
  if (next.size > COUNTERS_MAX) {
    throw new ProtegoError('ENCLAVE_COUNTER_REFUSED', `there are ${COUNTERS_MAX} counters already`, { name });
  }
  return next;
}

/** @throws ProtegoError `ENCLAVE_COUNTER_REFUSED` */
export function mustBeCounterName(name: string): void {
  if (isCounterName(name)) return;
  throw new ProtegoError('ENCLAVE_COUNTER_REFUSED', `\`${name}\` cannot name a counter`, { name });
}
