import { isProtegoError, parseRfc3339Ms } from '@protego/contracts';
import { LineSplitter, isBlank, parseRecordLine, readChunks, type ByteLine, type NativeRecord } from '@protego/sources';
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
  const splitter = new LineSplitter();
  const reader = new EventLineReader(path, timeField, terminal);
  for await (const chunk of readChunks(path)) yield* reader.readAll(splitter.push(chunk));
  yield* reader.readAll(splitter.end());
}

class EventLineReader {
  constructor(
    private readonly path: string,
    private readonly timeField: string | undefined,
    private readonly terminal: Terminal,
  ) {}

  *readAll(lines: Iterable<ByteLine>): Generator<EventLine> {
    for (const { bytes, line, tooLong } of lines) {
      if (tooLong !== undefined) this.#report(line - 1, `line has ${tooLong.rawBytes} bytes`, 'EVENT_TOO_LARGE');
      else if (!isBlank(bytes)) yield* this.#parse(bytes.toString('utf8'), line - 1);
    }
  }

  *#parse(text: string, index: number): Generator<EventLine> {
    try {
      const { record, time } = recordOf(parseRecordLine(text), this.timeField);
      yield { index, record, timeMs: timeOf(time) };
    } catch (error) {
      if (!isProtegoError(error)) throw error;
      this.#report(index, error.message, error.code);
    }
  }

  #report(index: number, message: string, code: string): void {
    this.terminal.note(`${this.path}: line ${index}: ${message} (${code})`);
  }
}

function recordOf(value: NativeRecord, timeField: string | undefined): { record: SigmaRecord; time: unknown } {
  const { specversion, type, data, time } = value;
  if (specversion !== '1.0' || typeof type !== 'string' || !isObject(data)) {
    return { record: { type: null, data: value }, time: timeField === undefined ? undefined : value[timeField] };
  }
  return { record: { type, data, envelope: value }, time };
}

function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.floor(value * 1_000);
  if (typeof value !== 'string') return undefined;
  return parseRfc3339Ms(value) ?? (/^\d+(\.\d+)?$/.test(value) ? Math.floor(Number(value) * 1_000) : undefined);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
