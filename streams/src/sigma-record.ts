import type { LoggedEvent } from '@protego/contracts';
import { fieldValue, type SigmaRecord } from './sigma/record';

/** What Sigma rules see of an event: its data, its type for routing, and envelope attributes as `event.<name>`. */
export function sigmaRecordOf({ event }: LoggedEvent): SigmaRecord {
  return { type: event.type, data: event.data, envelope: event as unknown as Readonly<Record<string, unknown>> };
}

/** Text of a field that holds one scalar, else undefined. */
export function fieldText(record: SigmaRecord, field: string): string | undefined {
  const value = fieldValue(record, field);
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
