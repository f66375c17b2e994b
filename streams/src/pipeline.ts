import { familyOf, type LoggedEvent } from '@protego/contracts';
import type { OperatorFunction, Subscriber } from 'rxjs';
import type { KnowledgeBook } from './detectors/knowledge-book';
import { MuteBook, isMuteType, type MuteOption } from './mutes';
import { elementOperator } from './operators/element-operator';
import type { Json } from './operators/stream-element';
import type { PipelineArtefacts } from './pipeline-rules';
import type { PipelineResult } from './result';
import { PipelineSession } from './session';

/** Event that opens an import session. */
export const SESSION_OPENED = 'log.session-opened';
/** Event that closes it. */
export const SESSION_CLOSED = 'log.session-closed';

// Artefacts do not change within a pipeline. Detections and what follows from them are never inputs, nor are the log's own
// notes: else a replay would feed on itself. What people say about detections is no result, and an input.
const INPUTS = new Set(['device', 'access', 'exchange', 'roster', 'care', 'watchlist', 'clock', 'score', 'decision']);

/** True for the types that a pipeline takes notice of; of all others it need not be told. */
export function isPipelineInput(type: string): boolean {
  return INPUTS.has(familyOf(type)) || isMuteType(type) || type === SESSION_OPENED || type === SESSION_CLOSED;
}

/** How a pipeline is to work, beside its artefacts. */
export interface PipelineOptions {
  /** Default `honoured`. Snapshots are the same either way. */
  readonly mutes?: MuteOption;
  /** Judge with this knowledge of the house; default: with what had come by then. A snapshot is valid for the same book only. */
  readonly knowledge?: KnowledgeBook;
}

/** State of a pipeline as JSON: valid for the same engine and artefacts only. */
export interface PipelineSnapshot {
  readonly live: Json;
  /** Present while an import session is open. */
  readonly imported?: Json;
  /** What is muted or acknowledged, in all sessions. */
  readonly mutes: Json;
  /** Losses of sessions that are closed. */
  readonly closedLosses: Readonly<Record<string, number>>;
}

/** The one composition that makes results from events, used live, in tests and in replay. */
export interface Pipeline {
  /**
   * Log entries in, results out: synchronous and in order. The end of the input closes nothing: a later
   * subscription goes on where it ended. One subscription at a time.
   */
  readonly results: OperatorFunction<LoggedEvent, PipelineResult>;
  /** State after everything that came in so far. */
  snapshot(): PipelineSnapshot;
  /** Sizes and evictions of the live session's state. */
  counters(): Record<string, number>;
  /** What left windows of this pipeline before its time, by id of rule or detector, since the log began. */
  losses(): Record<string, number>;
}

/**
 * Builds the pipeline from its artefacts, and where one is given from a snapshot. It holds no clock, no randomness and no
 * I/O: the same events and artefacts give the same results, whatever the chunking.
 */
export function buildPipeline(
  artefacts: PipelineArtefacts,
  snapshot?: PipelineSnapshot,
  options: PipelineOptions = {},
): Pipeline {
  const sessions = new Sessions(artefacts, snapshot, options);
  return {
    results: elementOperator((out) => {
      sessions.out = out;
      return { next: (event) => sessions.next(event) };
    }),
    snapshot: () => sessions.snapshot(),
    counters: () => sessions.counters(),
    losses: () => sessions.losses(),
  };
}

/** The live session, the import that interrupts it, and what is muted in both: a mute is about the hospital, not about a feed. */
class Sessions {
  readonly live: PipelineSession;
  /** Where results go. */
  out: Subscriber<PipelineResult> | undefined;
  readonly #artefacts: PipelineArtefacts;
  readonly #book: KnowledgeBook | undefined;
  readonly #mutes: MuteBook;
  readonly #isHonouring: boolean;
  #imported: PipelineSession | undefined;
  #closedLosses: Record<string, number> = {};

  constructor(artefacts: PipelineArtefacts, snapshot: PipelineSnapshot | undefined, options: PipelineOptions) {
    const { mutes, knowledge } = options;
    this.#artefacts = artefacts;
    this.#book = knowledge;
    this.#mutes = new MuteBook(artefacts.declarations.skewMaxMs);
    this.#isHonouring = mutes !== 'ignored';
    if (snapshot !== undefined) {
      this.#mutes.restore(snapshot.mutes);
      this.#closedLosses = { ...snapshot.closedLosses };
    }
    this.live = this.#session(snapshot?.live);
    if (snapshot?.imported !== undefined) this.#imported = this.#session(snapshot.imported);
  }

  next(event: LoggedEvent): void {
    const { type } = event.event;
    if (type === SESSION_OPENED) this.#open();
    else if (type === SESSION_CLOSED) this.#close();
    else if (INPUTS.has(familyOf(type))) (this.#imported ?? this.live).next(event);
    else if (isMuteType(type)) this.#mutes.learn(event);
  }

  snapshot(): PipelineSnapshot {
    const closedLosses = this.#closedLosses;
    const state = { live: this.live.snapshot(), mutes: this.#mutes.snapshot(), closedLosses };
    return this.#imported === undefined ? state : { ...state, imported: this.#imported.snapshot() };
  }

  counters(): Record<string, number> {
    return { ...this.live.counters(), ...this.#mutes.counters() };
  }

  losses(): Record<string, number> {
    return sumOf([this.#closedLosses, this.live.losses(), this.#imported?.losses() ?? {}]);
  }

  #open(): void {
    this.#close();
    this.#imported = this.#session(undefined);
  }

  #close(): void {
    if (this.#imported === undefined) return;
    this.#imported.close();
    this.#closedLosses = sumOf([this.#closedLosses, this.#imported.losses()]);
    this.#imported = undefined;
  }

  #session(state: Json | undefined): PipelineSession {
    const session = new PipelineSession(this.#artefacts, this.#book);
    if (state !== undefined) session.restore(state);
    session.results().subscribe({
      next: (result) => this.out?.next(this.#isHonouring ? this.#mutes.judge(result) : result),
      error: (error) => this.out?.error(error),
    });
    return session;
  }
}

function sumOf(counts: readonly Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const each of counts) for (const [name, count] of Object.entries(each)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
