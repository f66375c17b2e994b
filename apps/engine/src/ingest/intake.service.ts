import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  ProtegoError,
  isProtegoError,
  messageOf,
  type Clock,
  type LoggedEvent,
  type ProtegoConfig,
  type ProtegoEvent,
} from '@protego/contracts';
import type { PersonalDataVault, SealedEvent } from '@protego/enclave';
import {
  DedupeIndex,
  EventLogWriter,
  RECORD_BYTES_MAX,
  SEALED_BYTES_MAX,
  type LogRecordInput,
  type RecordIdentity,
} from '@protego/event-log';
import { ENGINE_CLOCK, ENGINE_CONFIG, EVENT_LOG, FATAL, VAULT, type Fatal } from '../engine.constants';
import { EngineMetrics } from '../health/engine-metrics';
import { PipelineRunner } from '../pipeline/pipeline-runner.service';
import { EventGate, type RawInput } from './event-gate';
import { PipelineClock } from './pipeline-clock';

/** What became of one input, in the order of the inputs. */
export type IntakeOutcome =
  | { readonly kind: 'appended'; readonly id: string; readonly seq: number }
  | { readonly kind: 'duplicate'; readonly id: string }
  | { readonly kind: 'rejected'; readonly error: ProtegoError };

/** Most bytes of events that wait for the log or the pipeline. */
export const INTAKE_BYTES_MAX = 33_554_432;

interface Admitted {
  readonly index: number;
  readonly id: string;
  readonly sealed: SealedEvent;
  readonly record: LogRecordInput;
}

/** An append that has its place in the log; it is awaited apart from that, so that the next one need not wait. */
interface Placed {
  readonly durable: ReturnType<EventLogWriter['append']>;
}

/**
 * The one way in: checks, seals personal fields, gives pipeline time, drops duplicates, appends, waits for durability, and
 * only then hands the events to the pipeline and answers.
 */
@Injectable()
export class IntakeService {
  /** Events that are not durable, or not through the pipeline yet. */
  #waitingEvents = 0;
  #waitingBytes = 0;
  #stopped = false;
  /** Resolves when the appends so far have their place in the log. */
  #placed: Promise<unknown> = Promise.resolve();
  readonly #room: (() => void)[] = [];
  readonly #logger = new Logger('intake');

  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    @Inject(EVENT_LOG) private readonly log: EventLogWriter,
    @Inject(VAULT) private readonly vault: PersonalDataVault,
    @Inject(FATAL) private readonly fatal: Fatal,
    private readonly gate: EventGate,
    private readonly pipelineClock: PipelineClock,
    private readonly dedupe: DedupeIndex,
    private readonly pipeline: PipelineRunner,
    private readonly metrics: EngineMetrics,
  ) {}

  /** True while nothing that was taken in is on its way into the log or through the pipeline. */
  get isIdle(): boolean {
    return this.#waitingEvents === 0;
  }

  /** True when a request of so many bytes would have to wait. */
  isBusy(eventCount: number, bytes: number): boolean {
    const isOver =
      this.#waitingEvents + eventCount > this.config.intake.queueEventsMax ||
      this.#waitingBytes + bytes > INTAKE_BYTES_MAX;
    return isOver && this.#waitingEvents > 0;
  }

  /** Resolves when there is room again. */
  async room(eventCount: number, bytes: number): Promise<void> {
    while (this.isBusy(eventCount, bytes)) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  /** Refuses all further input and resolves when what was taken in is durable and through the pipeline. */
  async stop(): Promise<void> {
    this.#stopped = true;
    while (this.#waitingEvents > 0) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  /**
   * Takes a batch in; resolves when everything that it names is durable. Call {@link room} or {@link isBusy} first.
   *
   * @throws ProtegoError `INTAKE_STOPPED` when the engine is stopping or its disk failed
   */
  async accept(inputs: readonly RawInput[]): Promise<IntakeOutcome[]> {
    if (this.#stopped) throw new ProtegoError('INTAKE_STOPPED', 'the engine is stopping');
    const outcomes: IntakeOutcome[] = [];
    const admitted = inputs.flatMap((input, index) => this.#admit(input, index, outcomes));
    const bytes = admitted.reduce((sum, { sealed }) => sum + sealed.body.length + sealed.sealed.length, 0);
    this.#waitingEvents += admitted.length;
    this.#waitingBytes += bytes;
    const firstSeq = await this.#append(admitted);
    admitted.forEach(({ index, id }, i) => {
      outcomes[index] = { kind: 'appended', id, seq: firstSeq + i };
    });
    void this.#feed(admitted, firstSeq).then(() => this.#release(admitted.length, bytes));
    return outcomes;
  }

  #release(events: number, bytes: number): void {
    this.#waitingEvents -= events;
    this.#waitingBytes -= bytes;
    for (const resume of this.#room.splice(0)) resume();
  }

  #admit(input: RawInput, index: number, outcomes: IntakeOutcome[]): Admitted[] {
    try {
      const { event, timeMs, carriedMs } = this.gate.admit(input);
      const sealed = this.#seal(event);
      const identity = this.dedupe.identityOf(event.source, event.id, sealed.contentHash);
      if (this.#isDuplicate(event, identity)) {
        outcomes[index] = { kind: 'duplicate', id: event.id };
        this.metrics.duplicates.inc();
        return [];
      }
      // The clock moves only for what is taken: a refused event must not change what follows it.
      const arrivedAtMs = this.pipelineClock.arrive(carriedMs);
      this.dedupe.add(identity, arrivedAtMs);
      const times = { timeMs, arrivedAtMs, recordedAtMs: this.clock.wallMs() };
      const { body, subjects } = sealed;
      const record = { body, ...times, type: event.type, sealed: sealed.sealed, subjects, identity };
      return [{ index, id: event.id, sealed, record }];
    } catch (error) {
      const refusal = this.#refusalOf(error);
      outcomes[index] = { kind: 'rejected', error: refusal };
      this.metrics.rejected.inc({ code: refusal.code });
      return [];
    }
  }

  #seal(event: ProtegoEvent): SealedEvent {
    const sealed = this.vault.seal(event);
    // Placeholders may take more room than many short texts did.
    const bytes = Math.max(sealed.body.length, sealed.sealed.length - SEALED_BYTES_MAX + RECORD_BYTES_MAX);
    if (bytes <= RECORD_BYTES_MAX) return sealed;
    throw new ProtegoError('EVENT_TOO_LARGE', 'the event is too large once it is sealed', { bytes });
  }

  #isDuplicate({ source, id }: ProtegoEvent, identity: RecordIdentity): boolean {
    const verdict = this.dedupe.check(identity);
    if (verdict !== 'conflict') return verdict === 'duplicate';
    const message = `id \`${id}\` of source \`${source}\` came before with other content`;
    throw new ProtegoError('EVENT_ID_CONFLICT', message, { source, id });
  }

  // A fault of ours on one input must not take its neighbours along: the dedupe index already knows them, so that they
  // would pass for duplicates when they are sent again.
  #refusalOf(error: unknown): ProtegoError {
    if (isProtegoError(error)) return error;
    this.#logger.error(`an input could not be checked: ${messageOf(error)}`);
    return new ProtegoError('INTERNAL', 'the event could not be checked', {}, { cause: error });
  }

  async #append(admitted: readonly Admitted[]): Promise<number> {
    // A duplicate may be answered only when the first of its kind is durable too, which may still be on its way.
    if (admitted.length === 0) return this.#placed.then(() => this.log.flushed()).then(() => this.log.size);
    const startedMs = this.clock.monotonicMs();
    const { firstSeq } = await this.#place(admitted.map(({ record }) => record)).catch((error: unknown) => {
      // The dedupe index already knows these ids: going on would drop them when they are sent again.
      this.#stopped = true;
      this.fatal(error);
      throw error;
    });
    this.metrics.appendSeconds.observe((this.clock.monotonicMs() - startedMs) / 1_000);
    this.metrics.appended.inc(admitted.length);
    this.metrics.sealedEvents.inc(admitted.filter(({ sealed }) => sealed.sealed.length > 0).length);
    return firstSeq;
  }

  // Keys come first: a record that is found after a crash must be one that can be read. Batches keep their order.
  async #place(records: readonly LogRecordInput[]): ReturnType<EventLogWriter['append']> {
    const placed: Promise<Placed> = Promise.all([this.vault.flush(), this.#placed]).then(() => ({
      durable: this.log.append(records),
    }));
    this.#placed = placed.catch(() => undefined);
    const { durable } = await placed;
    return durable;
  }

  // The pipeline works behind the acknowledgement: what it finds is recomputed from the log after a crash.
  async #feed(admitted: readonly Admitted[], firstSeq: number): Promise<void> {
    const events = admitted.map(({ sealed, record }, i) => ({
      seq: (firstSeq + i) as LoggedEvent['seq'],
      timeMs: record.timeMs,
      arrivedAtMs: record.arrivedAtMs,
      event: this.pipeline.lift(sealed.pipelineEvent),
      pseudonyms: sealed.pseudonyms,
    }));
    await this.pipeline.process(events).catch((error: unknown) => this.fatal(error));
  }
}
