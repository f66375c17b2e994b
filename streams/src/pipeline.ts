import { familyOf, type LoggedEvent, type SourceDeclarations } from '@protego/contracts';
import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import type { Json } from './operators/stream-element';
import { pipelineRulesOf, type PipelineArtefacts, type PipelineRules } from './pipeline-rules';
import type { PipelineResult } from './result';
import { PipelineSession } from './session';

/** Event that opens an import session. */
export const SESSION_OPENED = 'log.session-opened';
/** Event that closes it. */
export const SESSION_CLOSED = 'log.session-closed';

// Detections and what follows from them are never inputs, nor are the log's own notes: else a replay would feed on itself.
const INPUTS = new Set(['device', 'access', 'exchange', 'roster', 'care', 'watchlist', 'clock', 'artefact', 'score', 'decision']);

/** State of a pipeline as JSON: valid for the same engine and artefacts only. */
export interface PipelineSnapshot {
  readonly live: Json;
  /** Present while an import session is open. */
  readonly imported?: Json;
}

/** The one composition that makes results from events, used live, in tests and in replay. */
export interface Pipeline {
  /** Log entries in, results out: synchronous and in order. The end of the input closes nothing. Subscribe once. */
  readonly results: OperatorFunction<LoggedEvent, PipelineResult>;
  /** State after everything that came in so far. */
  snapshot(): PipelineSnapshot;
  /** Sizes and evictions of the live session's state. */
  counters(): Record<string, number>;
}

/**
 * Builds the pipeline from its artefacts, and where one is given from a snapshot. It holds no clock, no randomness and no
 * I/O: the same events and artefacts give the same results, whatever the chunking.
 */
export function buildPipeline(artefacts: PipelineArtefacts, snapshot?: PipelineSnapshot): Pipeline {
  const sessions = new Sessions(pipelineRulesOf(artefacts), artefacts.declarations, snapshot);
  return {
    results: (source) =>
      new Observable<PipelineResult>((subscriber) => {
        sessions.start(subscriber);
        return source.subscribe({
          next: (event) => sessions.next(event),
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        });
      }),
    snapshot: () => sessions.snapshot(),
    counters: () => sessions.live.counters(),
  };
}

/** The live session, and the import that interrupts it. */
class Sessions {
  readonly live: PipelineSession;
  #imported: PipelineSession | undefined;
  #subscriber: Subscriber<PipelineResult> | undefined;

  constructor(
    private readonly rules: PipelineRules,
    private readonly declarations: SourceDeclarations,
    snapshot: PipelineSnapshot | undefined,
  ) {
    this.live = this.#session(snapshot?.live);
    if (snapshot?.imported !== undefined) this.#imported = this.#session(snapshot.imported);
  }

  start(subscriber: Subscriber<PipelineResult>): void {
    this.#subscriber = subscriber;
    this.#connect(this.live);
    if (this.#imported !== undefined) this.#connect(this.#imported);
  }

  next(event: LoggedEvent): void {
    const { type } = event.event;
    if (type === SESSION_OPENED) this.#open();
    else if (type === SESSION_CLOSED) this.#close();
    else if (INPUTS.has(familyOf(type))) (this.#imported ?? this.live).next(event);
  }

  snapshot(): PipelineSnapshot {
    const live = this.live.snapshot();
    return this.#imported === undefined ? { live } : { live, imported: this.#imported.snapshot() };
  }

  #open(): void {
    this.#close();
    this.#imported = this.#session(undefined);
    this.#connect(this.#imported);
  }

  #close(): void {
    this.#imported?.close();
    this.#imported = undefined;
  }

  #session(state: Json | undefined): PipelineSession {
    const session = new PipelineSession(this.rules, this.declarations);
    if (state !== undefined) session.restore(state);
    return session;
  }

  #connect(session: PipelineSession): void {
    session.results().subscribe({
      next: (result) => this.#subscriber?.next(result),
      error: (error) => this.#subscriber?.error(error),
    });
  }
}
