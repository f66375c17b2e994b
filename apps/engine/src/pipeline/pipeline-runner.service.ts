import { Inject, Injectable } from '@nestjs/common';
import {
  ProtegoError,
  canonicalJson,
  eventRegistry,
  formatRfc3339,
  parseRfc3339Ms,
  type ArtefactActivated,
  type Clock,
  type EventData,
  type EventSeq,
  type LoggedEvent,
  type ProtegoConfig,
  type ProtegoEvent,
} from '@protego/contracts';
import { EventLogWriter, type LogRecordInput } from '@protego/event-log';
import { ACTIVATED, PipelineInForce } from '@protego/replay';
import {
  SESSION_CLOSED,
  engineEventOf,
  isOutput,
  isOutputType,
  isPipelineInput,
  outputEventOf,
  outputIdOf,
  type OutputResult,
  type Pipeline,
  type PipelineResult,
} from '@protego/streams';
import { ENGINE_CLOCK, ENGINE_CONFIG, EVENT_LOG } from '../engine.constants';
import { EngineMetrics } from '../health/engine-metrics';
import { OutputPublisher } from '../publish/output-publisher.service';
import { PipelineClock } from '../ingest/pipeline-clock';

/** Most results that are appended together; more go in several appends, so that no append outgrows the log's queue. */
export const RESULTS_APPEND_MAX = 1_024;

interface Job {
  readonly events: readonly LoggedEvent[];
  /** Done before the events are taken. */
  readonly before?: () => Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** A set of artefacts that is to come into force. */
export interface ComingSet {
  readonly set: string;
  /** Payload of the event that activates it. */
  readonly data: ArtefactActivated;
  /**
   * Its pipeline, when it has had every record before the seq of that event; undefined when it is attached already. Nothing is taken
   * through any pipeline until then.
   */
  readonly pipelineBefore: (seq: EventSeq) => Promise<Pipeline | undefined>;
}

/** Inputs that a result names. */
function inputSeqsOf({ seq, evidence }: EventData): number[] {
  const seqs = (evidence as { seqs?: number[] } | undefined)?.seqs ?? [];
  return typeof seq === 'number' ? [seq] : seqs.slice(-1);
}

function lastSeqOf(result: OutputResult): number {
  return result.kind === 'detection' ? (result.seqs.at(-1) ?? 0) : result.event.seq;
}

/**
 * Runs the pipeline behind the log: events in, results appended as events, then handed to the publisher. While the log
 * is read again on start, results are held back until it is clear which of them the log already has.
 */
@Injectable()
export class PipelineRunner {
  /** Pipelines of the set in force and of one that is to come into force after it. */
  readonly pipelines = new PipelineInForce((result) => this.#keep(result));
  #results: OutputResult[] = [];
  /** Results computed from the log that it does not show yet, by id; they leave when their record comes. */
  readonly #missing = new Map<string, OutputResult>();
  /** Inputs up to here were judged by an earlier run. */
  #settledSeq = -1;
  readonly #jobs: Job[] = [];
  #isRunning = false;
  #lastSeq = -1;
  #lag = 0;
  /** Answers of rules that erased fields have made impossible. */
  #undecidable = 0;

  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    @Inject(EVENT_LOG) private readonly log: EventLogWriter,
    private readonly pipelineClock: PipelineClock,
    private readonly publisher: OutputPublisher,
    private readonly metrics: EngineMetrics,
  ) {}

  #keep(result: PipelineResult): void {
    if (isOutput(result)) this.#results.push(result);
    else if (result.kind === 'undecidable') {
      this.#undecidable++;
      this.metrics.undecidable.inc();
    }
  }

  /** An event with its data lifted to the latest version of its type. */
  lift(event: ProtegoEvent): ProtegoEvent {
    const data = eventRegistry.upcast(event.type, event.dataschema, event.data);
    return data === event.data ? event : { ...event, data };
  }

  /** Takes in a record of the past: an input moves the pipeline, a result is ticked off. */
  recall(event: LoggedEvent): void {
    if (event.event.type === ACTIVATED) this.#settledSeq = event.seq;
    if (isOutputType(event.event.type)) {
      this.#settledSeq = Math.max(this.#settledSeq, ...inputSeqsOf(event.event.data));
      this.#missing.delete(event.event.id);
      return;
    }
    if (!isPipelineInput(event.event.type)) return;
    this.#lastSeq = event.seq;
    this.pipelines.take(event);
    for (const result of this.#results.splice(0)) this.#missing.set(outputIdOf(result), result);
  }

  /**
   * Ends the recall: appends the results that the log lacks. Where the rules have changed since the engine last ran, what
   * they find in events that the former rules had judged is left to a replay: nobody wants last year's alarms again
   * because a word was mended. The same holds where erased fields have changed what windows count.
   */
  async catchUp(haveRulesChanged: boolean): Promise<{ appended: number; leftOut: number }> {
    const missing = [...this.#missing.values()];
    this.#missing.clear();
    const isPastSettled = haveRulesChanged || this.#undecidable > 0;
    const results = isPastSettled ? missing.filter((result) => lastSeqOf(result) > this.#settledSeq) : missing;
    await this.#append(results);
    return { appended: results.length, leftOut: missing.length - results.length };
  }

  /**
   * Brings a set of artefacts into force by an event: what comes before it in the log is judged by the set in force until then, all
   * that comes after it by this one. Resolves with its seq when it is so.
   *
   * @throws ProtegoError `LOG_WRITE_FAILED`; what `pipelineBefore` throws, when the log says already that the set is in force
   */
  async activate({ set, data, pipelineBefore }: ComingSet): Promise<EventSeq> {
    const { firstSeq } = await this.log.append([
      this.#ownRecord(ACTIVATED, `activated-${this.log.nextSeq}`, { ...data }),
    ]);
    // Nothing is awaited in between: it has its turn among the events as it has its place in the log.
    await this.#inTurn([], async () => {
      const pipeline = await pipelineBefore(firstSeq);
      if (pipeline !== undefined) this.pipelines.attach(set, pipeline);
      this.pipelines.activate(set);
      this.pipelines.keepOnly(new Set());
    });
    return firstSeq;
  }

  /** Closes an import that was cut off: until then live events would count as part of it. */
  async closeSession(session: string): Promise<void> {
    await this.appendOwn(SESSION_CLOSED, `${session}-closed`, { session, reason: 'abandoned' });
  }

  /**
   * Appends an event in the engine's own name, and runs it through the pipeline where it is one of its inputs. Its event time
   * is that of the wall clock unless it is given.
   */
  async appendOwn(type: string, id: string, data: EventData, timeMs?: number): Promise<EventSeq> {
    const time = formatRfc3339(timeMs ?? this.clock.wallMs());
    const event = engineEventOf({ type, id, site: this.config.site, time, data });
    const record = this.#recordOf(event);
    const { firstSeq } = await this.log.append([record]);
    if (isPipelineInput(type))
      await this.process([{ seq: firstSeq, timeMs: record.timeMs, arrivedAtMs: record.arrivedAtMs, event }]);
    return firstSeq;
  }

  #ownRecord(type: string, id: string, data: EventData): LogRecordInput {
    const time = formatRfc3339(this.clock.wallMs());
    return this.#recordOf(engineEventOf({ type, id, site: this.config.site, time, data }));
  }

  /** Durable events that have not been through the pipeline yet. */
  get lag(): number {
    return this.#lag;
  }

  /**
   * Runs events that are durable through the pipeline, in the order of the calls; resolves when their results are durable
   * too. What comes while results are being written is run together after that.
   *
   * @throws ProtegoError `LOG_WRITE_FAILED`, or `INTERNAL` when events do not come in the order of the log
   */
  process(events: readonly LoggedEvent[]): Promise<void> {
    return this.#inTurn(events);
  }

  #inTurn(events: readonly LoggedEvent[], before?: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#lag += events.length;
      this.#jobs.push({ events, resolve, reject, ...(before === undefined ? {} : { before }) });
      if (!this.#isRunning) void this.#run();
    });
  }

  /** Sizes and evictions of pipeline state. */
  counters(): Record<string, number> {
    const { inForce } = this.pipelines;
    return (inForce === undefined ? undefined : this.pipelines.pipelineOf(inForce)?.counters()) ?? {};
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#jobs.length > 0) {
      const jobs = this.#jobs.splice(0);
      try {
        for (const { events, before } of jobs) {
          if (before !== undefined) await before();
          this.#take(events);
        }
        await this.#append(this.#results.splice(0));
        for (const { resolve } of jobs) resolve();
      } catch (error) {
        for (const { reject } of jobs) reject(error);
      }
    }
    this.#isRunning = false;
  }

  // A replay reads the log in its order: results made in any other could not be repeated.
  #take(events: readonly LoggedEvent[]): void {
    for (const event of events) {
      if (event.seq <= this.#lastSeq)
        throw new ProtegoError('INTERNAL', `event ${event.seq} came after event ${this.#lastSeq}`);
      this.#lastSeq = event.seq;
      this.pipelines.take(event);
    }
    this.#lag -= events.length;
  }

  async #append(results: readonly OutputResult[]): Promise<void> {
    for (let at = 0; at < results.length; at += RESULTS_APPEND_MAX)
      await this.#appendSome(results.slice(at, at + RESULTS_APPEND_MAX));
  }

  async #appendSome(results: readonly OutputResult[]): Promise<void> {
    const checkpoint = this.log.checkpoint();
    const events = results.map((result) => outputEventOf(result, this.config.site, checkpoint));
    const { firstSeq } = await this.log.append(events.map((event) => this.#recordOf(event)));
    for (const result of results) this.#count(result);
    this.publisher.offer(events.map((event, i) => ({ seq: firstSeq + i, event })));
  }

  #count(result: OutputResult): void {
    const { kind } = result;
    this.metrics.results.inc({ kind, severity: kind === 'detection' ? result.detection.severity : '' });
    if (kind === 'detection' && result.detection.status === 'muted') this.metrics.muted.inc();
  }

  #recordOf(event: ProtegoEvent): LogRecordInput {
    return {
      body: Buffer.from(canonicalJson(event), 'utf8'),
      timeMs: parseRfc3339Ms(event.time) ?? this.pipelineClock.arrivedAtMs,
      arrivedAtMs: this.pipelineClock.arrivedAtMs,
      recordedAtMs: this.clock.wallMs(),
      type: event.type,
    };
  }
}
