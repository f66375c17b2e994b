import { randomUUID } from 'node:crypto';
import {
  type ProtegoError,
  SOURCE_COUNT_MAX,
  canonicalJson,
  eventRegistry,
  formatRfc3339,
  readLoggedEvent,
  type Clock,
  type EventData,
} from '@protego/contracts';
import { DedupeIndex, EventLogReader, EventLogWriter, type LogRecordInput } from '@protego/event-log';
import type { AcceptedItem } from '@protego/sources';
import { SESSION_CLOSED, SESSION_OPENED, engineEventOf } from '@protego/streams';

/** Events of one append. */
export const APPEND_EVENTS_MAX = 512;
/** Appends on their way at one time. */
const APPENDS_IN_FLIGHT_MAX = 8;

/** Why an event was not appended. */
export type ImportRefusal = { readonly code: ProtegoError['code']; readonly message: string };

/**
 * One import into a log: its own session, with fresh sources, opened and closed by events. It takes the log's lock and
 * remembers every id that the log holds.
 */
export class ImportSession {
  readonly id = randomUUID();
  appended = 0;
  duplicates = 0;
  firstSeq: number | undefined;
  lastSeq: number | undefined;
  readonly #sources = new Set<string>();
  #batch: LogRecordInput[] = [];
  #inFlight: Promise<unknown>[] = [];
  #arrivedAtMs = 0;

  private constructor(
    private readonly log: EventLogWriter,
    private readonly dedupe: DedupeIndex,
    private readonly site: string,
    private readonly clock: Clock,
  ) {}

  /**
   * Opens a log, or makes it, and begins a session in it.
   *
   * @throws ProtegoError `LOG_LOCKED`, `LOG_BLOCK_CORRUPT` …
   */
  static async open(options: {
    directory: string;
    site: string;
    files: readonly string[];
    clock: Clock;
  }): Promise<ImportSession> {
    const { directory, site, files, clock } = options;
    const log = await EventLogWriter.open({ directory, origin: `protego/${site}` });
    // A history may span years: ids are remembered without a horizon, up to the bound of the index.
    const dedupe = new DedupeIndex({ dedupeKey: log.dedupeKey, horizonMs: Number.POSITIVE_INFINITY });
    const session = new ImportSession(log, dedupe, site, clock);
    const openSession = await session.#recall(directory);
    if (openSession !== undefined)
      session.#note(SESSION_CLOSED, `${openSession}-closed`, { session: openSession, reason: 'abandoned' });
    session.#note(SESSION_OPENED, `${session.id}-opened`, {
      session: session.id,
      kind: 'import',
      files: files.slice(0, 256),
    });
    return session;
  }

  /** Takes one event in; undefined when it was taken or known, else why not. Await {@link drain} between batches. */
  take({ event, timeMs, arrivedAtMs }: AcceptedItem): ImportRefusal | undefined {
    if (!this.#sources.has(event.source)) {
      if (this.#sources.size >= SOURCE_COUNT_MAX)
        return { code: 'SOURCE_LIMIT_EXCEEDED', message: `source \`${event.source}\` is one too many` };
      this.#sources.add(event.source);
    }
    const body = Buffer.from(canonicalJson(event), 'utf8');
    const verdict = this.dedupe.admit(event.source, event.id, body, arrivedAtMs);
    if (verdict === 'conflict')
      return {
        code: 'EVENT_ID_CONFLICT',
        message: `id \`${event.id}\` of source \`${event.source}\` came before with other content`,
      };
    if (verdict === 'duplicate') {
      this.duplicates++;
      return undefined;
    }
    this.#arrivedAtMs = arrivedAtMs;
    this.#push({ body, timeMs, arrivedAtMs, recordedAtMs: this.clock.wallMs(), type: event.type });
    this.appended++;
    return undefined;
  }

  /** Waits until the log has caught up far enough to take more. */
  async drain(): Promise<void> {
    while (this.#inFlight.length > APPENDS_IN_FLIGHT_MAX) await this.#inFlight.shift();
  }

  /** Closes session and log; resolves with the root over everything when it is durable. */
  async close(): Promise<{ rootHash: string }> {
    this.#note(SESSION_CLOSED, `${this.id}-closed`, { session: this.id, reason: 'completed' });
    this.#flush();
    await Promise.all(this.#inFlight);
    const { rootHash } = this.log.checkpoint();
    await this.log.close();
    return { rootHash };
  }

  /** Gives the log back without closing the session: what was taken in is durable, the next writer closes it. */
  async abandon(): Promise<void> {
    this.#flush();
    await Promise.allSettled(this.#inFlight);
    await this.log.close();
  }

  async #recall(directory: string): Promise<string | undefined> {
    let openSession: string | undefined;
    const reader = await EventLogReader.open({ directory });
    for (const record of reader.records({ toSeq: this.log.nextSeq })) {
      const { event } = readLoggedEvent(record, eventRegistry);
      this.dedupe.add(event.source, event.id, record.body, record.arrivedAtMs);
      this.#arrivedAtMs = record.arrivedAtMs;
      if (event.type === SESSION_OPENED) openSession = String(event.data['session']);
      else if (event.type === SESSION_CLOSED) openSession = undefined;
    }
    return openSession;
  }

  #note(type: string, id: string, data: EventData): void {
    const recordedAtMs = this.clock.wallMs();
    const event = engineEventOf({ type, id, site: this.site, time: formatRfc3339(recordedAtMs), data });
    this.#push({
      body: Buffer.from(canonicalJson(event), 'utf8'),
      timeMs: recordedAtMs,
      arrivedAtMs: this.#arrivedAtMs,
      recordedAtMs,
      type,
    });
  }

  /** Bytes of a torn tail that opening the log cut off and kept beside it. */
  get cutBytes(): number {
    return this.log.recovery.cutBytes;
  }

  #push(record: LogRecordInput): void {
    this.#batch.push(record);
    if (this.#batch.length >= APPEND_EVENTS_MAX) this.#flush();
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const appended = this.log.append(this.#batch).then(({ firstSeq, count }) => {
      this.firstSeq ??= firstSeq;
      this.lastSeq = firstSeq + count - 1;
    });
    // A failure is thrown where it is awaited, in drain() or close().
    appended.catch(() => undefined);
    this.#inFlight.push(appended);
    this.#batch = [];
  }
}
