import { Logger } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { AckPolicy, DeliverPolicy, nanos, type ConsumerMessages, type JsMsg, type NatsConnection } from 'nats';
import { messageOf } from '@protego/contracts';
import { INPUT_STREAM } from '../bus/nats-bus';

/** Pattern under which the strategy hands batches of input messages to their handler. */
export const INPUT_BATCH_PATTERN = 'protego.input-batch';
/** Durable consumer of the engine. */
export const INPUT_CONSUMER = 'engine';

/** Messages delivered and not yet acknowledged, at most: it bounds what a slow disk lets pile up here. */
export const ACK_PENDING_MAX = 8_192;
const ACK_WAIT_MS = 30_000;
const RESTART_MS = 500;

/** How the handler answers for each message of a batch: acknowledge it, or leave it to be delivered again. */
export type InputVerdict = 'acknowledge' | 'redeliver';

/**
 * Nest transport over a durable JetStream pull consumer. Messages are handed over in batches; each is acknowledged only
 * after the handler has answered for it, which the engine does when the log has fsynced.
 */
export class JetStreamInputStrategy extends Server implements CustomTransportStrategy {
  readonly #log = new Logger('input');
  #messages: ConsumerMessages | undefined;
  #isClosed = false;
  #pending: JsMsg[] = [];
  #isFlushing = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly connection: NatsConnection,
    private readonly batchEventsMax: number,
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
  }

  override on(): never {
    throw new Error('the input transport has no events');
  }

  override unwrap<T>(): T {
    return this.connection as T;
  }

  async #start(): Promise<void> {
    const manager = await this.connection.jetstreamManager();
    await manager.consumers.add(INPUT_STREAM, {
      durable_name: INPUT_CONSUMER,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: ACK_PENDING_MAX,
    });
    this.#loop = this.#consume();
  }

  async #consume(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const consumer = await this.connection.jetstream().consumers.get(INPUT_STREAM, INPUT_CONSUMER);
        this.#messages = await consumer.consume({ max_messages: 2 * this.batchEventsMax });
        for await (const message of this.#messages) {
          this.#pending.push(message);
          if (!this.#isFlushing) this.#flushSoon();
        }
      } catch (error) {
        if (!this.#isClosed) this.#log.warn(`input interrupted, will resume: ${messageOf(error)}`);
      }
      if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
    }
  }

  // A turn of the event loop gathers what has already come in, so that a lone message waits for nothing.
  #flushSoon(): void {
    this.#isFlushing = true;
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) await this.#handle(this.#pending.splice(0, this.batchEventsMax));
    } finally {
      this.#isFlushing = false;
    }
  }

  async #handle(batch: readonly JsMsg[]): Promise<void> {
    try {
      const handler = this.getHandlerByPattern(INPUT_BATCH_PATTERN);
      if (handler === null) throw new Error('no handler for input batches');
      const verdicts = (await handler(batch)) as readonly InputVerdict[];
      batch.forEach((message, i) => (verdicts[i] === 'acknowledge' ? message.ack() : message.nak(RESTART_MS)));
    } catch (error) {
      this.#log.warn(`a batch of ${batch.length} will be delivered again: ${messageOf(error)}`);
      for (const message of batch) message.nak(RESTART_MS);
    }
  }
}
