import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  ProtegoError,
  isProtegoError,
  messageOf,
  type Clock,
  type LoggedEvent,
  type ProtegoConfig,
} from '@protego/contracts';
import type { Admission, PersonalDataVault, RawEvent, SealedEvent } from '@protego/enclave';
import {
  DedupeIndex,
  ForgottenPersons,
  EventLogWriter,
  RECORD_BYTES_MAX,
  SEALED_BYTES_MAX,
  SealedRecord,
  type LogRecordInput,
  type RecordIdentity,
} from '@protego/event-log';
import { ENGINE_CLOCK, ENGINE_CONFIG, EVENT_LOG, FATAL, VAULT, type Fatal } from '../engine.constants';
import { hasSettled } from '../has-settled';
import { EngineMetrics } from '../health/engine-metrics';
import { PipelineRunner } from '../pipeline/pipeline-runner.service';
import { PipelineClock } from './pipeline-clock';

/** What became of one input, in the order of the inputs. */
export type IntakeOutcome =
  | { readonly kind: 'appended'; readonly id: string; readonly seq: number }
  | { readonly kind: 'duplicate'; readonly id: string }
  | { readonly kind: 'rejected'; readonly error: ProtegoError };

/** Most bytes of events that wait for the log or the pipeline. */
export const INTAKE_BYTES_MAX = 33_554_432;

/** Most messages of one call of the vault. */
const ADMITTED_EVENTS_MAX = 512;

/** An event that is new. */
interface Taken {
  /** Its place in the batch. */
  readonly index: number;
  readonly id: string;
  readonly sealed: SealedEvent;
  readonly record: LogRecordInput;
}

/** A batch that has had its turn. */
interface Batch {
  readonly taken: readonly Taken[];
  /** What became of the others; the places of the taken ones are empty. */
  readonly outcomes: IntakeOutcome[];
  readonly placed: Promise<Placed>;
}

/** An append that has its place in the log; it is awaited apart from that, so that the next one need not wait. */
interface Placed {
  /** Seq of the first record, when all are durable. */
  readonly firstSeq: Promise<number>;
  /** Resolves when they are through the pipeline too. */
  readonly fed: Promise<void>;
}

/** What a batch weighs now. */
interface Load {
  events: number;
  bytes: number;
}

/**
 * The one way in: checks, seals personal fields, gives pipeline time, drops duplicates, appends, waits for durability, and
 * only then hands the events to the pipeline and answers.
 */
@Injectable()
export class IntakeService {
  /** Events that are being admitted, not durable, or not through the pipeline yet. */
  #waitingEvents = 0;
  #waitingBytes = 0;
  #stopped = false;
  /** The vault or the log failed: what is on its way must not overtake what is lost. */
  #hasFailed = false;
  /** Resolves when the batches that wait for room so far have come in. */
  #entered: Promise<unknown> = Promise.resolve();
  /** Resolves when the batches so far have had their turn. */
  #turn: Promise<unknown> = Promise.resolve();
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
    private readonly pipelineClock: PipelineClock,
    private readonly dedupe: DedupeIndex,
    private readonly forgotten: ForgottenPersons,
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

  /** Refuses all further input and resolves when what was taken in is durable and through the pipeline. */
  async stop(): Promise<void> {
    this.#stopped = true;
    while (this.#waitingEvents > 0) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  /**
   * Takes a batch in; resolves when everything that it names is durable. Batches have their turn in the order of the calls,
   * whichever of them the vault is done with first. Call {@link isBusy} first.
   *
   * @throws ProtegoError `INTAKE_STOPPED` when the engine is stopping, or its vault or disk failed
   */
  async accept(inputs: readonly RawEvent[]): Promise<IntakeOutcome[]> {
    if (this.#stopped) throw new ProtegoError('INTAKE_STOPPED', 'the engine is stopping');
    const load: Load = { events: 0, bytes: 0 };
    this.#weigh(load, inputs.length, bytesOf(inputs));
    const turn = this.#takeInTurn(inputs, load);
    // Whatever becomes of it: once it is through, others have its room.
    const through = turn.then(({ placed }) => placed).then(({ fed }) => fed);
    void through
      .catch(() => undefined)
      .then(() => {
        this.#weigh(load, 0, 0);
        return this.#forgetAgain();
      });
    const { taken, outcomes, placed } = await turn;
    const firstSeq = await (await placed).firstSeq;
    taken.forEach(({ index, id }, i) => {
      outcomes[index] = { kind: 'appended', id, seq: firstSeq + i };
    });
    return outcomes;
  }

  /** As {@link accept}, but waits for room first: behind all that wait for it already. */
  async acceptInTurn(inputs: readonly RawEvent[]): Promise<IntakeOutcome[]> {
    const entered = this.#entered
      .then(() => this.#roomFor(inputs.length, bytesOf(inputs)))
      .then(() => ({ outcomes: this.accept(inputs) }));
    this.#entered = hasSettled(entered);
    return (await entered).outcomes;
  }

  /** What was delivered again of somebody who was forgotten must leave no key behind. */
  async #forgetAgain(): Promise<void> {
    if (!this.forgotten.hasReturned || !this.isIdle || this.#hasFailed) return;
    try {
      const isQuiet = (): boolean => this.isIdle;
      const count = await this.forgotten.forgetAgain({ vault: this.vault, isQuiet, logSize: () => this.log.size });
      if (count > 0)
        this.#logger.warn(`destroyed ${count} keys of erased persons of whom an event was delivered again`);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #roomFor(eventCount: number, bytes: number): Promise<void> {
    while (this.isBusy(eventCount, bytes)) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  /** Counts a batch with what it weighs from now on; where that is less, others have room. */
  #weigh(load: Load, events: number, bytes: number): void {
    this.#waitingEvents += events - load.events;
    this.#waitingBytes += bytes - load.bytes;
    Object.assign(load, { events, bytes });
    for (const resume of this.#room.splice(0)) resume();
  }

  #takeInTurn(inputs: readonly RawEvent[], load: Load): Promise<Batch> {
    const admitting = this.#admit(inputs);
    // It may fail before its turn has come, in which that is heard.
    admitting.catch(() => undefined);
    const turn = this.#turn.then(async () => {
      const admissions = await admitting.catch((error: unknown) => this.#fail(error));
      this.#requireSound();
      const outcomes: IntakeOutcome[] = [];
      const taken = admissions.flatMap((admission, index) => this.#take(admission, index, outcomes));
      const bytes = taken.reduce((sum, { sealed }) => sum + sealed.body.length + sealed.sealed.length, 0);
      this.#weigh(load, taken.length, bytes);
      return { taken, outcomes, placed: this.#place(taken) };
    });
    this.#turn = hasSettled(turn);
    return turn;
  }

  /** One call of the vault takes no more than it can answer soon; a request may hold more. */
  async #admit(inputs: readonly RawEvent[]): Promise<Admission[]> {
    const calls: Promise<Admission[]>[] = [];
    for (let at = 0; at < inputs.length; at += ADMITTED_EVENTS_MAX)
      calls.push(this.vault.admit(inputs.slice(at, at + ADMITTED_EVENTS_MAX)));
    const admissions = (await Promise.all(calls)).flat();
    if (admissions.length === inputs.length) return admissions;
    throw new ProtegoError('INTERNAL', `the vault has ${admissions.length} outcomes for ${inputs.length} messages`);
  }

  #take(admission: Admission, index: number, outcomes: IntakeOutcome[]): Taken[] {
    try {
      if (admission.kind === 'refused') throw admission.error;
      const { source, id, type, timeMs, carriedMs, sealed } = admission.event;
      requireFitting(sealed);
      const identity = this.dedupe.identityOf(source, id, sealed.contentHash);
      if (this.#isDuplicate(source, id, identity, sealed)) {
        outcomes[index] = { kind: 'duplicate', id };
        this.metrics.duplicates.inc();
        return [];
      }
      // The clock moves only for what is taken: a refused event must not change what follows it.
      const arrivedAtMs = this.pipelineClock.arrive(carriedMs);
      this.dedupe.add(identity, arrivedAtMs);
      const times = { timeMs, arrivedAtMs, recordedAtMs: this.clock.wallMs() };
      return [{ index, id, sealed, record: new SealedRecord(sealed, { ...times, type, identity }) }];
    } catch (error) {
      const refusal = this.#refusalOf(error);
      outcomes[index] = { kind: 'rejected', error: refusal };
      this.metrics.rejected.inc({ code: refusal.code });
      return [];
    }
  }

  #isDuplicate(source: string, id: string, identity: RecordIdentity, sealed: SealedEvent): boolean {
    const verdict = this.dedupe.check(identity);
    if (verdict !== 'conflict') return verdict === 'duplicate';
    if (this.forgotten.isRepeat(source, id, sealed.subjects)) return true;
    const message = `id \`${id}\` of source \`${source}\` came before with other content`;
    throw new ProtegoError('EVENT_ID_CONFLICT', message, { source, id });
  }

  // A fault of ours on one input must not take its neighbours along: the dedupe index already knows them, so that they
  // would pass for duplicates when they are sent again.
  #refusalOf(error: unknown): ProtegoError {
    if (isProtegoError(error) && error.code !== 'INTERNAL') return error;
    this.#logger.error(`an input could not be checked: ${messageOf(causeOf(error))}`);
    if (isProtegoError(error)) return error;
    return new ProtegoError('INTERNAL', 'the event could not be checked', {}, { cause: error });
  }

  #place(taken: readonly Taken[]): Promise<Placed> {
    // A duplicate may be answered only when the first of its kind is durable too, which may still be on its way.
    if (taken.length === 0) {
      return this.#placed.then(() => {
        this.#requireSound();
        return { firstSeq: this.log.flushed().then(() => this.log.size), fed: Promise.resolve() };
      });
    }
    // Keys come first: a record that is found after a crash must be one that can be read. Batches keep their order.
    const startedMs = this.clock.monotonicMs();
    const placed = Promise.all([this.vault.flush(), this.#placed]).then(() => this.#append(taken, startedMs));
    // The dedupe index already knows these ids: going on would drop them when they are sent again.
    this.#placed = placed.catch((error: unknown) => this.#fail(error));
    return placed;
  }

  #append(taken: readonly Taken[], startedMs: number): Placed {
    this.#requireSound();
    const appended = this.log.append(taken.map(({ record }) => record));
    appended.catch((error: unknown) => this.#fail(error));
    // Nothing is awaited in between: what is appended after these must not come before them into the pipeline.
    const fed = appended.then(({ firstSeq }) => this.#feed(taken, firstSeq));
    const durable = appended.then(({ firstSeq }) => {
      this.#count(taken, this.clock.monotonicMs() - startedMs);
      return firstSeq;
    });
    return { firstSeq: durable, fed };
  }

  // The pipeline works behind the acknowledgement: what it finds is recomputed from the log after a crash.
  async #feed(taken: readonly Taken[], firstSeq: number): Promise<void> {
    try {
      const events = taken.map(({ sealed, record }, i) => ({
        seq: (firstSeq + i) as LoggedEvent['seq'],
        timeMs: record.timeMs,
        arrivedAtMs: record.arrivedAtMs,
        event: this.pipeline.lift(sealed.pipelineEvent),
        pseudonyms: sealed.pseudonyms,
      }));
      await this.pipeline.process(events);
    } catch (error) {
      this.fatal(error);
    }
  }

  #count(taken: readonly Taken[], elapsedMs: number): void {
    this.metrics.appendSeconds.observe(elapsedMs / 1_000);
    this.metrics.appended.inc(taken.length);
    this.metrics.sealedEvents.inc(taken.filter(({ sealed }) => sealed.sealed.length > 0).length);
  }

  #fail(error: unknown): never[] {
    this.#stopped = true;
    if (this.#hasFailed) return [];
    this.#hasFailed = true;
    this.fatal(error);
    return [];
  }

  #requireSound(): void {
    if (this.#hasFailed)
      throw new ProtegoError('INTAKE_STOPPED', 'the vault or the log failed: the engine is stopping');
  }
}

function bytesOf(inputs: readonly RawEvent[]): number {
  return inputs.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** @throws ProtegoError `EVENT_TOO_LARGE` */
function requireFitting({ body, sealed }: SealedEvent): void {
  // Placeholders may take more room than many short texts did.
  const bytes = Math.max(body.length, sealed.length - SEALED_BYTES_MAX + RECORD_BYTES_MAX);
  if (bytes > RECORD_BYTES_MAX)
    throw new ProtegoError('EVENT_TOO_LARGE', 'the event is too large once it is sealed', { bytes });
}

function causeOf(error: unknown): unknown {
  return isProtegoError(error) ? (error.cause ?? error) : error;
}
