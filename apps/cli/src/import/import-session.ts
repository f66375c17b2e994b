import { randomUUID } from 'node:crypto';
import {
  EVENT_BYTES_MAX,
  SOURCE_COUNT_MAX,
  canonicalJson,
  formatRfc3339,
  isProtegoError,
  type Clock,
  type EventData,
  type FieldClasses,
  type ProtegoError,
  type ProtegoEvent,
} from '@protego/contracts';
import {
  keysDirectoryOf,
  openEnclave,
  type HouseOpener,
  type PersonalDataVault,
  type SealedEvent,
  type Sealing,
} from '@protego/enclave';
import {
  RECORD_BYTES_MAX,
  SEALED_BYTES_MAX,
  closeWritableLog,
  openWritableLog,
  type LogRecordInput,
  type WritableLog,
} from '@protego/event-log';
import type { AcceptedItem } from '@protego/sources';
import type { SealedRootAccess } from '../log/key-options';
import { SESSION_CLOSED, SESSION_OPENED, engineEventOf } from '@protego/streams';

/** Events of one append. */
export const APPEND_EVENTS_MAX = 512;
/** Processes that seal what is imported; beyond the cores of a small machine nothing is gained. */
const ENCLAVE_PROCESSES = 2;
/** Appends on their way at one time. */
const APPENDS_IN_FLIGHT_MAX = 32;

/** Why an event was not appended. */
export type ImportRefusal = { readonly code: ProtegoError['code']; readonly message: string };

/** What an import goes into. */
export interface ImportTarget {
  /** Directory of the log; made where it is missing. */
  readonly directory: string;
  /** Key directory; default: `keys` in the log directory. */
  readonly keysDirectory?: string;
  /** Opens the keys; by default in an enclave of their own. */
  readonly openHouse?: HouseOpener;
  /** What opens a root secret that is sealed. */
  readonly rootAccess?: SealedRootAccess;
  /** As for {@link openEnclave}. */
  readonly pseudonymKeyFile?: string;
  /** Which fields are personal. */
  readonly fields: FieldClasses;
  readonly site: string;
  /** Files that are imported, for the event that opens the session. */
  readonly files: readonly string[];
  readonly clock: Clock;
}

/**
 * One import into a log: its own session, with fresh sources, opened and closed by events. It takes the log's lock, seals
 * personal fields, and asks the log for every id that it holds.
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
  /** Resolves when the appends so far have their place in the log. */
  #placed: Promise<unknown> = Promise.resolve();
  #arrivedAtMs = 0;

  private constructor(
    private readonly target: ImportTarget,
    private readonly log: WritableLog,
  ) {}

  /**
   * Opens a log, or makes it, and begins a session in it.
   *
   * @throws ProtegoError `LOG_LOCKED`, `LOG_KEY_MISSING`, `LOG_BLOCK_CORRUPT` …
   */
  static async open(target: ImportTarget): Promise<ImportSession> {
    const session = new ImportSession(target, await openLog(target));
    const openSession = session.#recall();
    if (openSession !== undefined)
      session.#note(SESSION_CLOSED, `${openSession}-closed`, { session: openSession, reason: 'abandoned' });
    const files = target.files.slice(0, 256);
    session.#note(SESSION_OPENED, `${session.id}-opened`, { session: session.id, kind: 'import', files });
    return session;
  }

  /**
   * Takes events in, in their order: for each undefined when it was taken or known, else why not. Calls must not overlap.
   * Await {@link drain} between them.
   *
   * @throws ProtegoError `VAULT_FULL` and other faults of the vault; the events before the one that met it were taken
   */
  async take(items: readonly AcceptedItem[]): Promise<(ImportRefusal | undefined)[]> {
    const refusals: (ImportRefusal | undefined)[] = [];
    for (let at = 0; at < items.length; at += APPEND_EVENTS_MAX)
      refusals.push(...(await this.#takeSome(items.slice(at, at + APPEND_EVENTS_MAX))));
    return refusals;
  }

  async #takeSome(items: readonly AcceptedItem[]): Promise<(ImportRefusal | undefined)[]> {
    const isKnown = items.map(({ event }) => this.#isKnownSource(event.source));
    const wanted = items.filter((_, i) => isKnown[i]).map(({ event }) => event);
    const sealings = await this.log.house.vault.seal(wanted);
    let next = 0;
    return items.map((item, i) => {
      if (isKnown[i] === true) return this.#takeSealed(item, sealings[next++] as Sealing);
      return { code: 'SOURCE_LIMIT_EXCEEDED', message: `source \`${item.event.source}\` is one too many` };
    });
  }

  #isKnownSource(source: string): boolean {
    if (this.#sources.has(source)) return true;
    if (this.#sources.size >= SOURCE_COUNT_MAX) return false;
    this.#sources.add(source);
    return true;
  }

  #takeSealed({ event, timeMs, arrivedAtMs }: AcceptedItem, sealing: Sealing): ImportRefusal | undefined {
    if (sealing.kind === 'refused') return refusalOf(sealing.error);
    const { sealed } = sealing;
    if (sealed.body.length > RECORD_BYTES_MAX || sealed.sealed.length > SEALED_BYTES_MAX)
      return { code: 'EVENT_TOO_LARGE', message: `event has more than ${EVENT_BYTES_MAX} bytes once it is sealed` };
    return this.#admit(event, sealed, timeMs, arrivedAtMs);
  }

  #admit(event: ProtegoEvent, sealed: SealedEvent, timeMs: number, arrivedAtMs: number): ImportRefusal | undefined {
    const { dedupe } = this.log;
    const identity = dedupe.identityOf(event.source, event.id, sealed.contentHash);
    const verdict = dedupe.admit(identity, arrivedAtMs);
    const isRepeat = verdict === 'conflict' && this.log.forgotten.isRepeat(event.source, event.id, sealed.subjects);
    if (verdict === 'conflict' && !isRepeat)
      return {
        code: 'EVENT_ID_CONFLICT',
        message: `id \`${event.id}\` of source \`${event.source}\` came before with other content`,
      };
    if (verdict !== 'new') {
      this.duplicates++;
      return undefined;
    }
    this.#arrivedAtMs = arrivedAtMs;
    const times = { timeMs, arrivedAtMs, recordedAtMs: this.target.clock.wallMs() };
    const { body, subjects } = sealed;
    this.#push({ body, ...times, type: event.type, sealed: sealed.sealed, subjects, identity });
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
    const { house, forgotten, writer } = this.log;
    // Nothing is on its way any more.
    await forgotten.forgetAgain({ vault: house.vault, isQuiet: () => true, logSize: () => writer.size });
    const { rootHash } = this.log.writer.checkpoint();
    await closeWritableLog(this.log);
    return { rootHash };
  }

  /** Gives the log back without closing the session: what was taken in is durable, the next writer closes it. */
  async abandon(): Promise<void> {
    this.#flush();
    await Promise.allSettled(this.#inFlight);
    await closeWritableLog(this.log);
  }

  /** The vault of the log, for what the import refuses; it closes with the session. */
  get vault(): PersonalDataVault {
    return this.log.house.vault;
  }

  /** Bytes of a torn tail that opening the log cut off and kept beside it. */
  get cutBytes(): number {
    return this.log.writer.recovery.cutBytes;
  }

  /** The session that the log's last writer left open. */
  #recall(): string | undefined {
    const { writer, reader } = this.log;
    for (const { arrivedAtMs } of reader.query({ fromSeq: Math.max(0, writer.size - 1), direction: 'backwards' })) {
      this.#arrivedAtMs = arrivedAtMs;
      break;
    }
    for (const { type, body } of reader.query({ types: [SESSION_OPENED, SESSION_CLOSED], direction: 'backwards' })) {
      if (type === SESSION_CLOSED) return undefined;
      return String((JSON.parse(body.toString('utf8')) as ProtegoEvent).data['session']);
    }
    return undefined;
  }

  #note(type: string, id: string, data: EventData): void {
    const recordedAtMs = this.target.clock.wallMs();
    const event = engineEventOf({ type, id, site: this.target.site, time: formatRfc3339(recordedAtMs), data });
    this.#push({
      body: Buffer.from(canonicalJson(event), 'utf8'),
      timeMs: recordedAtMs,
      arrivedAtMs: this.#arrivedAtMs,
      recordedAtMs,
      type,
    });
  }

  #push(record: LogRecordInput): void {
    this.#batch.push(record);
    if (this.#batch.length >= APPEND_EVENTS_MAX) this.#flush();
  }

  #flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    // Keys come first: a record that is found after a crash must be one that can be read. Batches keep their order.
    const keysDurable = this.log.house.vault.flush();
    const placed = Promise.all([keysDurable, this.#placed]).then(() => ({ appended: this.log.writer.append(batch) }));
    this.#placed = placed;
    const appended = placed
      .then((place) => place.appended)
      .then(({ firstSeq, count }) => {
        this.firstSeq ??= firstSeq;
        this.lastSeq = firstSeq + count - 1;
      });
    // A failure is thrown where it is awaited, in drain() or close().
    appended.catch(() => undefined);
    this.#inFlight.push(appended);
  }
}

/** What is wrong with one event is no reason to stop; what our side lacks is one. */
function refusalOf(error: ProtegoError): ImportRefusal {
  if (error.origin !== 'caller') throw error;
  return { code: error.code, message: error.message };
}

function openLog(target: ImportTarget): Promise<WritableLog> {
  const { directory, pseudonymKeyFile, fields, site, clock, rootAccess } = target;
  return openWritableLog({
    openHouse:
      target.openHouse ?? ((options) => openEnclave({ ...options, ...rootAccess, processes: ENCLAVE_PROCESSES })),
    directory,
    keysDirectory: keysDirectoryOf(directory, target.keysDirectory),
    site,
    clock,
    fields,
    pseudonymKeyFile,
    // A history may span years: ids are remembered without a horizon.
    dedupeHorizonMs: Number.POSITIVE_INFINITY,
    onIdsUnreadable: ignoreUnreadable,
  });
}

// Ids of a segment whose footer cannot be read yet stay in memory, where they are found as well.
function ignoreUnreadable(error: unknown): void {
  if (!isProtegoError(error)) throw error;
}
