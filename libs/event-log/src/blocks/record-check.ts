import { ProtegoError } from '@protego/contracts';
import { COLUMN_BYTES_PER_RECORD, LEAF_HEAD_BYTES, RECORD_SUBJECTS_MAX, TYPE_BYTES_MAX } from './block-format';
import { RECORD_BYTES_MAX, SEALED_BYTES_MAX, type LogRecordInput } from '../log-record';

/**
 * Refuses a record that the log cannot keep; the bytes that it takes in a block before compression, without its type.
 *
 * @throws ProtegoError `LOG_RECORD_TOO_LARGE`, `LOG_RECORD_INVALID`
 */
export function checkedBytesOf(record: LogRecordInput): number {
  const { body, sealed, type, timeMs, arrivedAtMs, recordedAtMs } = record;
  if (body.length > RECORD_BYTES_MAX) throw tooLarge('a record', body.length, RECORD_BYTES_MAX);
  if (sealed !== undefined && sealed.length > SEALED_BYTES_MAX) {
    throw tooLarge('a sealed part', sealed.length, SEALED_BYTES_MAX);
  }
  const isTyped = type.length > 0 && (type.length * 3 <= TYPE_BYTES_MAX || Buffer.byteLength(type) <= TYPE_BYTES_MAX);
  const isTimed = Number.isFinite(timeMs) && Number.isFinite(arrivedAtMs) && Number.isFinite(recordedAtMs);
  const bytes = LEAF_HEAD_BYTES + (sealed === undefined ? 0 : sealed.length) + body.length + COLUMN_BYTES_PER_RECORD;
  if (body.length > 0 && isTyped && isTimed && isFindable(record)) return bytes;
  const message = `a record needs a body, a type of at most ${TYPE_BYTES_MAX} bytes, finite times and at most ${RECORD_SUBJECTS_MAX} subjects`;
  throw new ProtegoError('LOG_RECORD_INVALID', message, { type: type.slice(0, 64) });
}

function isFindable(record: LogRecordInput): boolean {
  const { encodedSubjects } = record;
  if (encodedSubjects !== undefined) return encodedSubjects.length <= RECORD_SUBJECTS_MAX && encodedSubjects.isWhole;
  return (record.subjects?.length ?? 0) <= RECORD_SUBJECTS_MAX;
}

function tooLarge(what: string, bytes: number, bytesMax: number): ProtegoError {
  const message = `${what} of ${bytes} bytes is more than ${bytesMax}`;
  return new ProtegoError('LOG_RECORD_TOO_LARGE', message, { bytes, bytesMax });
}
