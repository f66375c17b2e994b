import { Logger } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import {
  AckPolicy,
  DeliverPolicy,
  NatsError,
  nanos,
  type ConsumerMessages,
  type JsMsg,
  type NatsConnection,
} from 'nats';
import { ProtegoError, messageOf } from '@protego/contracts';
import { INPUT_STREAM } from '../bus/nats-bus';

/** Pattern under which the strategy hands batches of input messages to their handler. */
export const INPUT_BATCH_PATTERN = 'protego.input-batch';
/** Durable consumer of the engine. */
export const INPUT_CONSUMER = 'engine';

/** Batches that are with the handler at one time: while the log makes one durable, the next is checked and sealed. */
export const BATCHES_IN_FLIGHT_MAX = 4;
/** Messages delivered and not yet acknowledged, at most: it bounds what a slow disk lets pile up here. */
export const ACK_PENDING_MAX = 8_192;
/** Something delivered whose acknowledgement was lost comes again after this time. */
const ACK_WAIT_MS = 5_000;
const RESTART_MS = 500;
const NOT_FOUND = 404;

/** How the handler answers for each message of a batch: acknowledge it, or leave it to be delivered again. */
export type InputVerdict = 'acknowledge' | 'redeliver';

/**
 * Nest transport over a durable JetStream pull consumer. Messages are handed over in batches, in their order and several at a
 * time, so the handler must take them in the order of its calls; each is acknowledged only after the handler has answered
 * for it, which the engine does when the log has fsynced.
 */
export class JetStreamInputStrategy extends Server implements CustomTransportStrategy {
  readonly #log = new Logger('input');
  #messages: ConsumerMessages | undefined;
  #isClosed = false;
  #pending: JsMsg[] = [];
  #flushing: Promise<void> | undefined;
  readonly #inFlight = new Set<Promise<void>>();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly connection: NatsConnection,
    private readonly batchEventsMax: number,
    /** Identity of the log that the input goes into. */
    private readonly logId: string,
    /** Told whether input flows. */
    private readonly onFlow: (isFlowing: boolean) => void,
  ) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.#start().then(() => callback(), callback);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#messages?.close();
    await this.#loop;
    await this.#flushing;
    await Promise.all(this.#inFlight);
  }

  override on(): never {
    throw new Error('the input transport has no events');
  }

  override unwrap<T>(): T {
    return this.connection as T;
  }

  async #start(): Promise<void> {
    await this.#renewConsumer();
    this.#loop = this.#consume();
  }

  async #renewConsumer(): Promise<void> {
    const manager = await this.connection.jetstreamManager();
    const known = await manager.consumers.info(INPUT_STREAM, INPUT_CONSUMER).catch((error: unknown) => {
      if (!(error instanceof NatsError && error.api_error?.code === NOT_FOUND)) throw error;
    });
    const owner = known?.config.description;
    if (owner !== undefined && owner !== this.logId) {
      throw new ProtegoError('NATS_STREAM_FOREIGN', `stream ${INPUT_STREAM} feeds another log`, {
        found: owner,
        expected: this.logId,
      });
    }
    // What an engine that died had not acknowledged would come only after the time-out, and late for its windows. With a
    // new consumer it comes at once and in its old order; the stream itself keeps whatever is not acknowledged.
    if (known !== undefined) await manager.consumers.delete(INPUT_STREAM, INPUT_CONSUMER);
    await manager.consumers.add(INPUT_STREAM, {
      durable_name: INPUT_CONSUMER,
      description: this.logId,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: ACK_PENDING_MAX,
    });
  }

  async #consume(): Promise<void> {
    for (let isRenewed = true; !this.#isClosed; isRenewed = false) {
      try {
        // Somebody may have deleted the consumer, or the server may have lost it.
        if (!isRenewed) await this.#renewConsumer();
        const consumer = await this.connection.jetstream().consumers.get(INPUT_STREAM, INPUT_CONSUMER);
        this.#messages = await consumer.consume({
          max_messages: 2 * this.batchEventsMax,
          abort_on_missing_resource: true,
        });
        this.onFlow(true);
        for await (const message of this.#messages) {
          this.#pending.push(message);
          this.#flushing ??= this.#flush();
          // Not reading on is what keeps the client from asking for more.
          if (this.#pending.length >= this.batchEventsMax) await this.#flushing;
        }
      } catch (error) {
        if (!this.#isClosed) this.#log.warn(`input interrupted, will resume: ${messageOf(error)}`);
      }
      this.onFlow(false);
      if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
    }
  }

  async #flush(): Promise<void> {
    // A turn of the event loop gathers what has already come in, so that a lone message waits for nothing.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      if (this.#inFlight.size >= BATCHES_IN_FLIGHT_MAX) await Promise.race(this.#inFlight);
      else this.#begin(this.#pending.splice(0, this.batchEventsMax));
    }
    this.#flushing = undefined;
  }

  #begin(batch: readonly JsMsg[]): void {
    const handled = this.#handle(batch).finally(() => this.#inFlight.delete(handled));
    this.#inFlight.add(handled);
  }

  async #handle(batch: readonly JsMsg[]): Promise<void> {
    try {
      const handler = this.getHandlerByPattern(INPUT_BATCH_PATTERN);
      if (handler === null) throw new Error('no handler for input batches');
      const verdicts = (await handler(batch)) as readonly InputVerdict[];
      this.#answer(batch, verdicts);
    } catch (error) {
      this.#log.warn(`a batch of ${batch.length} will be delivered again: ${messageOf(error)}`);
      this.#answer(batch, []);
    }
  }

  // A message that is not answered for, because the connection was closed, is delivered again to the next engine.
  #answer(batch: readonly JsMsg[], verdicts: readonly InputVerdict[]): void {
    if (this.connection.isClosed()) return;
    batch.forEach((message, i) => (verdicts[i] === 'acknowledge' ? message.ack() : message.nak(RESTART_MS)));
  }
}
