import type { LoggedEvent } from '@protego/contracts';
import { fieldAccess, readField, type FieldAccess, type SigmaRecord } from './sigma/record';
import { scalarText } from './sigma/record-texts';

/** What Sigma rules see of an event: its data, its type for routing, and envelope attributes as `event.<name>`. */
export function sigmaRecordOf({ event }: LoggedEvent): SigmaRecord {
  return { type: event.type, data: event.data, envelope: event as unknown as Readonly<Record<string, unknown>> };
}

/** Text of a field that holds one scalar, else undefined. */
export function fieldText(record: SigmaRecord, field: string): string | undefined {
  return textAt(record, fieldAccess(field));
}

/** {@link fieldText} of a field that was prepared once for many records. */
export function textAt(record: SigmaRecord, access: FieldAccess): string | undefined {
  return scalarText(readField(record, access));
}
