import { basename } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import {
  SURELY_SMALL_BYTES,
  requireEventSize,
  subjectOf,
  type FormatContext,
  type RecordFormat,
  type TimedEvent,
} from './record-format';
import { isRecord, numberAt, parseRecordLine, type NativeRecord } from './record-json';
import { RecordTimes, decimalSecondsToMs } from './record-time';

// As seconds this lies beyond the year 5000, so a larger number is in milliseconds (Zeek's JSON::TS_MILLIS).
const SECONDS_MAX = 1e11;

/**
 * One record of a Zeek log a line, as Zeek writes it with JSON output. `data` is the native record; where it lacks
 * `_path`, the log's type is taken from the name of the file.
 */
export function zeekFormat({ options, path, ids }: FormatContext): RecordFormat {
  const source = options.sourceName ?? 'zeek';
  const logType = logTypeOf(path);
  const times = new RecordTimes(0);
  return ({ bytes, text, line }): TimedEvent => {
    const record = parseRecordLine(text);
    const isTypeAdded = record['_path'] === undefined;
    if (isTypeAdded) record['_path'] = logType;
    const writtenAtMs = timeMsAt(record, '_write_ts', text, times);
    const timeMs = timeMsAt(record, 'ts', text, times) ?? writtenAtMs ?? noTime(record);
    const event = {
      specversion: '1.0' as const,
      // The type is part of the content where the name of the file supplies it.
      id: ids.next(isTypeAdded ? `${logType}\n${text}` : bytes, line),
      source,
      type: 'device.network-log-recorded',
      time: times.format(timeMs),
      subject: subjectOf(originatorOf(record)),
      site: options.site,
      data: record,
    };
    if (bytes.length > SURELY_SMALL_BYTES) requireEventSize(event);
    return { event, timeMs, arrivedAtMs: writtenAtMs };
  };
}

/** Type of a log from the name of its file: `dns` for `dns.log`, `dns.jsonl.gz` and `dns.10:00:00-11:00:00.log`. */
export function logTypeOf(path: string): string {
  return (basename(path).split('.')[0] ?? '').toWellFormed().slice(0, 64) || 'unknown';
}

function originatorOf(record: NativeRecord): unknown {
  const id = record['id'];
  return record['id.orig_h'] ?? (isRecord(id) ? id['orig_h'] : undefined);
}

function timeMsAt(record: NativeRecord, field: string, text: string, times: RecordTimes): number | undefined {
  const value = record[field];
  if (typeof value === 'string') return times.parse(value);
  if (typeof value !== 'number') return undefined;
  if (value >= SECONDS_MAX) return Number.isSafeInteger(value) ? decimalSecondsToMs(`${value}e-3`) : undefined;
  return decimalSecondsToMs(sourceDigits(text, field, value));
}

/** Digits of a number as they stand in the line; those of the parsed number where they cannot be told. */
function sourceDigits(text: string, field: string, value: number): string {
  const key = `"${field}":`;
  const keyAt = text.indexOf(key);
  const digits = keyAt < 0 ? undefined : numberAt(text, keyAt + key.length);
  // Another member of that name, nested or earlier, shows by another value.
  return digits !== undefined && Number(digits) === value ? digits : String(value);
}

function noTime(record: NativeRecord): never {
  const problem = record['ts'] === undefined ? 'neither `ts` nor `_write_ts` is there' : '`ts` is not a time';
  throw new ProtegoError('SOURCE_RECORD_INVALID', `record has no usable time: ${problem}`);
}
