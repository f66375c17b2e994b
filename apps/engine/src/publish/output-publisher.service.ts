import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  eventRegistry,
  messageOf,
  readLoggedEvent,
  type Clock,
  type ProtegoConfig,
  type ProtegoEvent,
} from '@protego/contracts';
import { EventLogReader, EventLogWriter } from '@protego/event-log';
import { OUTPUT_TYPES } from '@protego/streams';
import { BUS, ENGINE_CLOCK, ENGINE_CONFIG, EVENT_LOG, LOG_READER } from '../engine.constants';
import { EngineMetrics } from '../health/engine-metrics';
import type { Bus, LastOutput } from '../bus/bus';
import { outputSubjectOf } from './output-subject';
import { readPublishCursor, writePublishCursor } from './publish-cursor';

/** An event of the engine with its place in the log. */
export interface PublishableEvent {
  readonly seq: number;
  readonly event: ProtegoEvent;
}

/** Results that wait in memory; what goes beyond is read from the log again. */
export const PUBLISH_QUEUE_MAX = 8_192;
/** Publications on their way to the server at one time. */
export const PUBLISH_IN_FLIGHT_MAX = 256;

/** Checkpoints that wait for publication; the latest say what earlier ones said, and more. */
const CHECKPOINTS_WAITING_MAX = 64;
/** Records that one stretch of the log has. */
const REFILL_RECORDS_MAX = 16_384;
const RETRY_MS = 500;

/**
 * Publishes what the pipeline found, in the order of the log and each once. The stream itself says how far publication
 * has come: its last message carries the seq of the record it stands for. Every publication names the stream sequence
 * that it expects before it, so that a late message of a killed engine cannot slip in between.
 */
@Injectable()
export class OutputPublisher {
  readonly #log = new Logger('publish');
  #queue: PublishableEvent[] = [];
  /** First record that is not in the queue and must be read from the log; undefined while the queue is complete. */
  #resumeSeq: number | undefined = 0;
  #streamSeq = 0;
  /** Record that the last published result stands for. */
  #lastLogSeq = -1;
  readonly #checkpoints: string[] = [];
  #checkpointSignedMs: number | undefined;
  /** Results that were recorded before this time are not published any more, milliseconds. */
  #recordedFromMs = 0;
  #isSynced = false;
  #isRunning = false;
  #isStopped = false;
  #wake: () => void = () => undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(
    @Inject(ENGINE_CONFIG) private readonly config: ProtegoConfig,
    @Inject(ENGINE_CLOCK) private readonly clock: Clock,
    @Inject(EVENT_LOG) private readonly log: EventLogWriter,
    @Inject(LOG_READER) private readonly reader: EventLogReader,
    @Inject(BUS) private readonly bus: Bus,
    private readonly metrics: EngineMetrics,
  ) {}

  /** Begins to publish, from where the stream ends. */
  start(): void {
    this.#isRunning = true;
    // The last one of an earlier run may never have reached the bus.
    const { latestCheckpoint } = this.log;
    if (latestCheckpoint !== undefined) this.#checkpoints.push(latestCheckpoint.note);
    this.log.onCheckpoint(({ note }) => this.#offerCheckpoint(note));
    this.#done = this.#run();
  }

  /** Publishes what is queued, checkpoints last, then stops; gives up after `graceMs` without an answer. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#isRunning) return;
    this.#isStopped = true;
    this.#wake();
    await Promise.race([this.#done, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
  }

  /** Results that wait in memory, and records of the log that are still to be searched for results. */
  get lag(): number {
    return this.#queue.length + (this.#resumeSeq === undefined ? 0 : Math.max(0, this.log.size - this.#resumeSeq));
  }

  /** When the latest checkpoint of this run was signed, milliseconds of the monotonic clock; undefined before the first. */
  get checkpointSignedMs(): number | undefined {
    return this.#checkpointSignedMs;
  }

  #offerCheckpoint(note: string): void {
    this.#checkpointSignedMs = this.clock.monotonicMs();
    if (this.#checkpoints.length >= CHECKPOINTS_WAITING_MAX) {
      this.#checkpoints.shift();
      this.metrics.checkpointsSkipped.inc();
    }
    this.#checkpoints.push(note);
    this.#wake();
  }

  /** Takes durable results over, in the order of the log. */
  offer(events: readonly PublishableEvent[]): void {
    for (const event of events) {
      if (this.#resumeSeq !== undefined) break;
      if (this.#queue.length >= PUBLISH_QUEUE_MAX) this.#resumeSeq = event.seq;
      else this.#queue.push(event);
    }
    this.#wake();
  }

  async #run(): Promise<void> {
    for (;;) {
      try {
        if (!this.#isSynced) await this.#sync();
        if (this.#queue.length > 0) await this.#publishSome();
        else if (this.#resumeSeq !== undefined) await this.#refill(this.#resumeSeq);
        else if (this.#checkpoints.length > 0) await this.#publishCheckpoint();
        else if (this.#isStopped) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      } catch (error) {
        this.#isSynced = false;
        this.metrics.publishFailures.inc();
        this.#log.warn(`publication interrupted, will resume: ${messageOf(error)}`);
        if (this.#isStopped) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Asks the stream what it holds and goes on after that. */
  async #sync(): Promise<void> {
    const last = await this.bus.lastOutput();
    this.#streamSeq = last.streamSeq;
    this.#queue = [];
    // What has expired was published long ago, or nobody wanted it in time.
    this.#resumeSeq = Math.max(this.#resumeSeqOf(last), this.reader.stat().firstSeq);
    this.#lastLogSeq = this.#resumeSeq - 1;
    this.#isSynced = true;
  }

  #resumeSeqOf({ logSeq, streamSeq, maxAgeMs }: LastOutput): number {
    this.#recordedFromMs = 0;
    if (logSeq !== undefined) return logSeq + 1;
    // A stream that was used and is empty was purged, or has outlived its messages: what it held was published.
    const cursor = readPublishCursor(this.config.logDir);
    if (cursor !== undefined && streamSeq > 0 && cursor.streamSeq <= streamSeq) return cursor.logSeq + 1;
    if (streamSeq > 0 && maxAgeMs > 0) this.#recordedFromMs = this.clock.wallMs() - maxAgeMs;
    return 0;
  }

  /** Fills the queue from the log, a stretch at a time so that intake goes on meanwhile. */
  async #refill(fromSeq: number): Promise<void> {
    const toSeq = Math.min(this.log.size, fromSeq + REFILL_RECORDS_MAX);
    for (const record of this.reader.query({ fromSeq, toSeq, types: OUTPUT_TYPES })) {
      if (record.recordedAtMs < this.#recordedFromMs) continue;
      this.#queue.push({ seq: record.seq, event: readLoggedEvent(record, eventRegistry).event });
    }
    // No await between reading the size and this line: every later result will be offered.
    this.#resumeSeq = toSeq === this.log.size ? undefined : toSeq;
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #publishSome(): Promise<void> {
    const batch = this.#queue.slice(0, PUBLISH_IN_FLIGHT_MAX);
    const sent = batch.flatMap(({ seq, event }) => {
      const subject = outputSubjectOf(event);
      return subject === undefined ? [] : [this.bus.publishOutput(subject, event, seq, this.#streamSeq++)];
    });
    const outcomes = await Promise.allSettled(sent);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    this.metrics.published.inc(outcomes.filter((outcome) => outcome.status === 'fulfilled').length);
    if (failed !== undefined) throw failed.reason;
    this.#queue.splice(0, batch.length);
    const last = batch.at(-1);
    if (last === undefined) return;
    this.#lastLogSeq = last.seq;
    writePublishCursor(this.config.logDir, { logSeq: last.seq, streamSeq: this.#streamSeq });
  }

  async #publishCheckpoint(): Promise<void> {
    const note = this.#checkpoints[0] as string;
    await this.bus.publishCheckpoint(note, this.#lastLogSeq, this.#streamSeq++);
    this.metrics.checkpointsPublished.inc();
    if (this.#checkpoints[0] === note) this.#checkpoints.shift();
  }
}
