import { ProtegoError } from '@protego/contracts';
import {
  SURELY_SMALL_BYTES,
  requireEventSize,
  subjectOf,
  type FormatContext,
  type RecordFormat,
  type TimedEvent,
} from './record-format';
import { isRecord, parseRecordLine, type NativeRecord } from './record-json';
import { RecordTimes } from './record-time';
import { flattenWindowsEvent, isNestedWindowsEvent } from './windows-nested';

// The origin's own time comes first; `@timestamp` is often that of the collector.
const TIME_FIELDS = ['TimeCreated', 'TimeCreated_SystemTime', 'EventTime', 'UtcTime', '@timestamp'] as const;
const HOST_FIELDS = ['Hostname', 'Computer', 'host'] as const;

/**
 * One Windows event a line: flat, as NXLog, Winlogbeat pipelines and Logstash write it, or nested as exported from
 * EVTX. `data` is the record with its native field names, so that public Sigma rules match unchanged.
 */
export function windowsFormat({ options, ids }: FormatContext): RecordFormat {
  const source = options.sourceName ?? 'windows';
  const times = new RecordTimes(options.zonelessOffsetMinutes ?? 0);
  return ({ bytes, text, line }): TimedEvent => {
    const record = parseRecordLine(text);
    const isNested = isNestedWindowsEvent(record);
    const data = isNested ? flattenWindowsEvent(record) : record;
    const timeMs = timeMsOf(data, times);
    const event = {
      specversion: '1.0' as const,
      id: ids.next(bytes, line),
      source,
      type: 'device.host-event-recorded',
      time: times.format(timeMs),
      subject: hostOf(data),
      site: options.site,
      data,
    };
    // Flattening repeats names, so a short nested line may still make a long event.
    if (isNested || bytes.length > SURELY_SMALL_BYTES) requireEventSize(event);
    return { event, timeMs, arrivedAtMs: undefined };
  };
}

function timeMsOf(data: NativeRecord, times: RecordTimes): number {
  let problem = `none of ${TIME_FIELDS.map((field) => `\`${field}\``).join(', ')} is there`;
  for (const field of TIME_FIELDS) {
    const value = data[field];
    if (value === undefined) continue;
    const timeMs = typeof value === 'string' ? times.parse(value) : undefined;
    if (timeMs !== undefined) return timeMs;
    problem = `\`${field}\` is not a date-time`;
  }
  throw new ProtegoError('SOURCE_RECORD_INVALID', `record has no usable time: ${problem}`);
}

function hostOf(data: NativeRecord): string | undefined {
  for (const field of HOST_FIELDS) {
    const value = data[field];
    const host = subjectOf(isRecord(value) ? value['name'] : value);
    if (host !== undefined) return host;
  }
  return undefined;
}
