import { isUtf8 } from 'node:buffer';
import { ProtegoError, isNameToken, isProtegoError } from '@protego/contracts';
import { readChunks } from './byte-chunks';
import { LineSplitter, isBlank, type ByteLine } from './byte-lines';
import { cloudeventsFormat } from './cloudevents-format';
import { LineIds } from './line-ids';
import type { FormatContext, RecordFormat, TimedEvent } from './record-format';
import {
  LINE_BYTES_MAX,
  importFormats,
  newSourceCounts,
  rawPartOf,
  type ImportFormat,
  type RawPart,
  type ReadSourceOptions,
  type RejectedItem,
  type SourceItem,
} from './source-item';
import { windowsFormat } from './windows-format';
import { zeekFormat } from './zeek-format';

const FORMATS: Readonly<Record<ImportFormat, (context: FormatContext) => RecordFormat>> = {
  cloudevents: cloudeventsFormat,
  windows: windowsFormat,
  zeek: zeekFormat,
};
const NO_BYTES = Buffer.alloc(0);

/**
 * The text as an import format.
 *
 * @throws ProtegoError `SOURCE_FORMAT_UNKNOWN`
 */
export function parseImportFormat(text: string): ImportFormat {
  const format = importFormats.find((name) => name === text);
  if (format !== undefined) return format;
  throw new ProtegoError('SOURCE_FORMAT_UNKNOWN', `format \`${text}\` is not one of ${importFormats.join(', ')}`);
}

/**
 * The records of a file of JSON lines, plain or gzip, as events, in the order of the lines. A record that cannot become
 * an event, and the damaged rest of a file, come as rejected items; the file is read on.
 *
 * @throws ProtegoError `SOURCE_FILE_UNREADABLE` when the file cannot be opened, `USAGE_INVALID` for a site or source
 *   that is not a name token
 */
export async function* readSourceFile(
  path: string,
  format: ImportFormat,
  options: ReadSourceOptions,
): AsyncGenerator<SourceItem> {
  for await (const batch of readSourceBatches(path, format, options)) yield* batch;
}

/** {@link readSourceFile} in arrays, one for every chunk of the file; quicker, because nothing is awaited per item. */
export async function* readSourceBatches(
  path: string,
  format: ImportFormat,
  options: ReadSourceOptions,
): AsyncGenerator<SourceItem[]> {
  const reader = new LineReader(path, format, options);
  const lines = new LineSplitter();
  try {
    for await (const chunk of readChunks(path)) {
      const batch = reader.readAll(lines.push(chunk));
      if (batch.length > 0) yield batch;
    }
  } catch (error) {
    if (!isProtegoError(error) || error.code !== 'SOURCE_FILE_DAMAGED') throw error;
    yield [reader.damaged(error, lines)];
    return;
  }
  const last = reader.readAll(lines.end());
  if (last.length > 0) yield last;
}

/** Turns the lines of one file into items and keeps the file's pipeline time. */
class LineReader {
  readonly #format: RecordFormat;
  readonly #ids: LineIds;
  readonly #counts;
  #timeMsMax = -Infinity;
  #arrivedAtMs = -Infinity;

  constructor(
    readonly path: string,
    format: ImportFormat,
    private readonly options: ReadSourceOptions,
  ) {
    for (const name of [options.site, options.sourceName ?? format])
      if (!isNameToken(name)) throw new ProtegoError('USAGE_INVALID', `\`${name}\` is not a site or source name`);
    this.#ids = new LineIds(options.distinctLinesMax);
    this.#format = FORMATS[format]({ options, path, ids: this.#ids });
    this.#counts = options.counts ?? newSourceCounts();
  }

  readAll(lines: Iterable<ByteLine>): SourceItem[] {
    const items: SourceItem[] = [];
    for (const line of lines) {
      this.#counts.lines++;
      if (line.tooLong === undefined && isBlank(line.bytes)) this.#counts.blankLines++;
      else items.push(this.#read(line));
    }
    return items;
  }

  /** The rest of a damaged file, with what is left of its last line. */
  damaged(error: ProtegoError, lines: LineSplitter): RejectedItem {
    const [rest] = lines.end();
    const raw = rest?.tooLong ?? rawPartOf(rest?.bytes ?? NO_BYTES, false);
    return this.#reject(error, lines.line, raw);
  }

  #read({ bytes, line, tooLong }: ByteLine): SourceItem {
    if (tooLong !== undefined) {
      const message = `line has ${tooLong.rawBytes} bytes, at most ${LINE_BYTES_MAX} are read`;
      return this.#reject(new ProtegoError('EVENT_TOO_LARGE', message), line, tooLong);
    }
    const isText = isUtf8(bytes);
    try {
      if (!isText) throw new ProtegoError('EVENT_TEXT_INVALID', 'line is not UTF-8');
      return this.#accept(bytes, line);
    } catch (error) {
      if (!isProtegoError(error)) throw error;
      return this.#reject(error, line, rawPartOf(bytes, isText));
    }
  }

  #accept(bytes: Buffer, line: number): SourceItem {
    const idsByLineNumber = this.#ids.idsByLineNumber;
    const timed = this.#format({ bytes, text: bytes.toString('utf8'), line });
    requireAcceptable(timed, this.options);
    const { event, timeMs, arrivedAtMs } = timed;
    this.#timeMsMax = Math.max(this.#timeMsMax, timeMs);
    this.#arrivedAtMs = Math.max(this.#arrivedAtMs, arrivedAtMs ?? this.#timeMsMax);
    this.#counts.events++;
    this.#counts.idsByLineNumber += this.#ids.idsByLineNumber - idsByLineNumber;
    return { kind: 'event', event, timeMs, arrivedAtMs: this.#arrivedAtMs, line, path: this.path };
  }

  #reject({ code, message }: ProtegoError, line: number, raw: RawPart): RejectedItem {
    this.#counts.rejected++;
    return { kind: 'rejected', code, message, line, path: this.path, ...raw };
  }
}

// Checked before the file's pipeline time moves: what is refused must not make what follows it late.
function requireAcceptable({ event, timeMs, arrivedAtMs }: TimedEvent, options: ReadSourceOptions): void {
  const { timeMsMax = Infinity, onlySite = event.site } = options;
  if (Math.max(timeMs, arrivedAtMs ?? timeMs) > timeMsMax) {
    const claimed = timeMs > timeMsMax ? event.time : (event.arrivedat ?? event.time);
    throw new ProtegoError('EVENT_TIME_SKEWED', `time \`${claimed}\` lies in the future`, { time: claimed });
  }
  if (event.site !== onlySite)
    throw new ProtegoError('EVENT_SITE_FOREIGN', `event names site \`${event.site}\``, { site: onlySite });
}
