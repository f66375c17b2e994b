import { ProtegoError, eventRegistry, readLoggedEvents, type LoggedEvent } from '@protego/contracts';
import { recordBatches } from '@protego/event-log';
import { isPipelineInput } from '@protego/streams';
import type { ReplayLog, ReplayRecord } from '../replay-log';
import type { CoverageTable } from './coverage-table';

/** Records whose events are kept for the next question. */
const EVENTS_KEPT_MAX = 4_096;
/** Most records that a document could not decide and that are looked at for a difference. */
export const CANDIDATES_MAX = 1_000_000;

/** A record and its event time. */
export interface TimedSeq {
  readonly seq: number;
  readonly timeMs: number;
}

/** What a log says now of its records, of which some fields are erased, and what a run could not decide of them. */
export class ErasedLog {
  readonly #events = new Map<number, LoggedEvent | undefined>();
  readonly #candidates = new Map<string, Promise<readonly TimedSeq[]>>();
  #tail: Promise<readonly TimedSeq[]> | undefined;

  /** @param coverage - of the run that was made after the erasure, over all that the log holds */
  constructor(
    private readonly log: ReplayLog,
    private readonly coverage: CoverageTable,
  ) {}

  /** The event of a record as a pipeline reads it now; undefined where the log holds no such input. */
  async event(seq: number): Promise<LoggedEvent | undefined> {
    if (this.#events.has(seq)) return this.#events.get(seq);
    const isWithin = Number.isSafeInteger(seq) && seq >= this.log.firstSeq && seq < this.log.size;
    const records = isWithin ? [...this.log.records(seq, seq + 1)] : [];
    const [event] = await this.#read(records);
    if (this.#events.size >= EVENTS_KEPT_MAX) this.#events.delete(this.#events.keys().next().value as number);
    this.#events.set(seq, event);
    return event;
  }

  /** True for a record of which a field was erased. */
  async isErased(seq: number): Promise<boolean> {
    return isErasedIn(await this.event(seq));
  }

  /** True for a record of which a rule, correlation or detector cannot be decided any more. */
  async isUndecidable(documentId: string, seq: number): Promise<boolean> {
    const gap = this.coverage.gapOf(documentId, 'undecidable');
    if (gap === undefined) return false;
    // Beyond the ranges that are named, only the log itself can say.
    return gap.has(seq) || (seq >= gap.namedTo && (await this.isErased(seq)));
  }

  /**
   * Records of which one of some documents may not have been decided, in the order of the log.
   *
   * @throws ProtegoError `REPLAY_TOO_LARGE` when there are more than {@link CANDIDATES_MAX}
   */
  candidates(documentIds: readonly string[]): Promise<readonly TimedSeq[]> {
    const key = JSON.stringify(documentIds);
    let known = this.#candidates.get(key);
    if (known === undefined) this.#candidates.set(key, (known = this.#find(documentIds)));
    return known;
  }

  async #find(documentIds: readonly string[]): Promise<readonly TimedSeq[]> {
    const gaps = documentIds.flatMap((id) => this.coverage.gapOf(id, 'undecidable') ?? []);
    const found = new Map<number, TimedSeq>();
    const add = (one: TimedSeq): void => {
      found.set(one.seq, one);
      if (found.size > CANDIDATES_MAX) throw tooMany(documentIds);
    };
    for (const [from, to] of gaps.flatMap(({ ranges }) => ranges))
      for (const { seq, timeMs } of this.log.records(from, to)) add({ seq, timeMs });
    const tailFrom = Math.min(...gaps.map(({ namedTo }) => namedTo));
    if (tailFrom < Number.POSITIVE_INFINITY)
      for (const one of await this.#erasedTail()) if (one.seq >= tailFrom) add(one);
    return [...found.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Records with erased fields from the first one on of which a list of the coverage says no more. */
  #erasedTail(): Promise<readonly TimedSeq[]> {
    return (this.#tail ??= this.#scan(this.coverage.namedTo));
  }

  async #scan(fromSeq: number): Promise<readonly TimedSeq[]> {
    const found: TimedSeq[] = [];
    for (const batch of recordBatches(this.log.records(fromSeq, this.log.size)))
      for (const event of await this.#read(batch.filter(({ sealed }) => sealed !== undefined && sealed.length > 0))) {
        if (isErasedIn(event)) found.push({ seq: event.seq, timeMs: event.timeMs });
        if (found.length > CANDIDATES_MAX) throw tooMany([]);
      }
    return found;
  }

  #read(records: readonly ReplayRecord[]): Promise<LoggedEvent[]> {
    return readLoggedEvents(
      records.filter(({ type }) => isPipelineInput(type)),
      eventRegistry,
      this.log.open,
    );
  }
}

function isErasedIn(event: LoggedEvent | undefined): boolean {
  return event?.erased !== undefined && event.erased.length > 0;
}

function tooMany(documentIds: readonly string[]): ProtegoError {
  const message = `more than ${CANDIDATES_MAX} records were erased that a difference may hang on: verify runs over shorter ranges`;
  return new ProtegoError('REPLAY_TOO_LARGE', message, { documentIds });
}
