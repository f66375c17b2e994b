import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { openSync, readSync, closeSync } from 'node:fs';
import { isProtegoError, messageOf, parseRfc3339Ms } from '@protego/contracts';
import { parseRecordLine } from '@protego/sources';
import type { SigmaRecord } from '@protego/streams';
import type { Terminal } from '../terminal';

/** One line of an events file as rules see it. */
export interface EventLine {
  /** Line number from 0. */
  readonly index: number;
  readonly record: SigmaRecord;
  /** Event time, milliseconds; undefined where the record does not say. */
  readonly timeMs: number | undefined;
}

/** Lines of a file of Protego events or bare records; what is not JSON is reported and left out. */
export async function* readEventLines(
  path: string,
  timeField: string | undefined,
  terminal: Terminal,
): AsyncGenerator<EventLine> {
  const file = createReadStream(path);
  const input = isGzip(path) ? file.pipe(createGunzip()) : file;
  let index = -1;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    index++;
    if (text.trim() === '') continue;
    const line = parseLine(text, index, timeField, terminal, path);
    if (line !== undefined) yield line;
  }
}

function parseLine(
  text: string,
  index: number,
  timeField: string | undefined,
  terminal: Terminal,
  path: string,
): EventLine | undefined {
  try {
    const value = parseRecordLine(text);
    const isEvent = value['specversion'] === '1.0' && typeof value['type'] === 'string' && isObject(value['data']);
    if (!isEvent)
      return {
        index,
        record: { type: null, data: value },
        timeMs: timeOf(timeField === undefined ? undefined : value[timeField]),
      };
    const record: SigmaRecord = {
      type: value['type'] as string,
      data: value['data'] as Record<string, unknown>,
      envelope: value,
    };
    return { index, record, timeMs: timeOf(value['time']) };
  } catch (error) {
    const code = isProtegoError(error) ? error.code : 'SOURCE_RECORD_INVALID';
    terminal.note(`${path}: line ${index}: ${messageOf(error)} (${code})`);
    return undefined;
  }
}

function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.floor(value * 1_000);
  if (typeof value !== 'string') return undefined;
  return parseRfc3339Ms(value) ?? (/^\d+(\.\d+)?$/.test(value) ? Math.floor(Number(value) * 1_000) : undefined);
}

function isObject(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isGzip(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(2);
    return readSync(fd, magic, 0, 2, 0) === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  } finally {
    closeSync(fd);
  }
}
