import { readFileSync } from 'node:fs';
import {
  DiscardPolicy,
  Events,
  NatsError,
  RetentionPolicy,
  StorageType,
  connect,
  headers,
  millis,
  nanos,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  type StoredMsg,
  type StreamConfig,
} from 'nats';
import {
  ProtegoError,
  REJECTION_HEADERS,
  canonicalJson,
  checkpointSubject,
  messageOf,
  rejectedSubject,
  type ProtegoConfig,
  type ProtegoEvent,
} from '@protego/contracts';
import type { StreamDeclaration } from '@protego/artefacts';
import { isLoopbackHost } from '../loopback';
import type { Bus, LastOutput, RejectedInput } from './bus';

/** Stream of inputs. */
export const INPUT_STREAM = 'PROTEGO_IN';
/** Stream of results. */
export const OUTPUT_STREAM = 'PROTEGO_OUT';
/** Stream of refused inputs. */
export const REJECTED_STREAM = 'PROTEGO_REJECTED';
/** Header that names the log record a result stands for. */
export const SEQ_HEADER = 'Protego-Seq';
/** Header that names the log a result stands in. */
export const LOG_HEADER = 'Protego-Log';

const PUBLISH_TIMEOUT_MS = 5_000;
const NO_MESSAGE = 404;

type StoredRejection = Pick<RejectedInput, 'subject' | 'sealedReason' | 'sealedBytes'>;

/** {@link Bus} over NATS JetStream. */
export class NatsBus implements Bus {
  readonly #js: JetStreamClient;
  #isConnected = true;

  private constructor(
    readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly site: string,
    private readonly logId: string,
  ) {
    this.#js = connection.jetstream({ timeout: PUBLISH_TIMEOUT_MS });
    void this.#watch();
  }

  /**
   * Connects, and makes or updates the declared streams.
   *
   * @throws ProtegoError `NATS_UNAVAILABLE`, `NATS_STREAM_FOREIGN` where the streams belong to another log, or
   *   `CONFIG_INVALID` for a plain connection off loopback
   */
  static async connect(config: ProtegoConfig, streams: readonly StreamDeclaration[], logId: string): Promise<NatsBus> {
    const { url, user, passwordFile } = config.nats;
    requireTlsOffLoopback(url);
    try {
      const connection = await connect({
        servers: url,
        user,
        pass: readFileSync(passwordFile, 'utf8').trim(),
        name: 'protego-engine',
        maxReconnectAttempts: -1,
        reconnectTimeWait: 500,
        inboxPrefix: `_INBOX_${user}`,
        ...(url.startsWith('tls://') ? { tls: {} } : {}),
      });
      const manager = await connection.jetstreamManager();
      for (const stream of streams) await ensureStream(manager, stream);
      return new NatsBus(connection, manager, config.site, logId);
    } catch (error) {
      throw new ProtegoError('NATS_UNAVAILABLE', `cannot use ${url}: ${messageOf(error)}`, { url }, { cause: error });
    }
  }

  isConnected(): boolean {
    return this.#isConnected && !this.connection.isClosed();
  }

  // The client reconnects by itself and is not closed meanwhile; only its status tells that the server is away.
  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === Events.Disconnect) this.#isConnected = false;
      else if (type === Events.Reconnect) this.#isConnected = true;
    }
  }

  async lastOutput(): Promise<LastOutput> {
    const { state, config } = await this.manager.streams.info(OUTPUT_STREAM);
    const empty = { streamSeq: state.last_seq, logSeq: undefined, maxAgeMs: millis(config.max_age) };
    if (state.messages === 0) return empty;
    try {
      const message = await this.manager.streams.getMessage(OUTPUT_STREAM, { seq: state.last_seq });
      if (message.header.get(LOG_HEADER) !== this.logId)
        throw foreignStream(message.header.get(LOG_HEADER), this.logId);
      return { ...empty, logSeq: Number(message.header.get(SEQ_HEADER)) };
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.code === NO_MESSAGE) return empty;
      throw error;
    }
  }

  publishOutput(subject: string, event: ProtegoEvent, logSeq: number, expectedStreamSeq: number): Promise<void> {
    return this.#publishInOrder(subject, canonicalJson(event), logSeq, expectedStreamSeq);
  }

  publishCheckpoint(note: string, lastLogSeq: number, expectedStreamSeq: number): Promise<void> {
    return this.#publishInOrder(checkpointSubject(this.site), note, lastLogSeq, expectedStreamSeq);
  }

  async #publishInOrder(subject: string, text: string, logSeq: number, expectedStreamSeq: number): Promise<void> {
    const message = headers();
    message.set(SEQ_HEADER, String(logSeq));
    message.set(LOG_HEADER, this.logId);
    // The expected sequence alone makes it once: a message id would let the server drop what it no longer holds.
    await this.#js.publish(subject, text, { headers: message, expect: { lastSequence: expectedStreamSeq } });
  }

  async publishRejected(rejected: RejectedInput): Promise<void> {
    const { subject, source, id, code, sealedReason, sealedBytes, byteCount } = rejected;
    const message = headers();
    message.set(REJECTION_HEADERS.code, code);
    message.set(REJECTION_HEADERS.reason, Buffer.from(sealedReason).toString('base64'));
    message.set(REJECTION_HEADERS.subject, headerText(subject));
    message.set(REJECTION_HEADERS.bytes, String(byteCount));
    message.set(REJECTION_HEADERS.sealed, '1');
    await this.#js.publish(rejectedSubject(this.site, source), sealedBytes, { msgID: id, headers: message });
  }

  async *rejected(countMax: number): AsyncGenerator<StoredRejection> {
    const { state } = await this.manager.streams.info(REJECTED_STREAM);
    // A stream that never had a message says that its first is number 0, which there is none of.
    if (state.messages === 0) return;
    for (let seq = Math.max(state.first_seq, state.last_seq - countMax + 1); seq <= state.last_seq; seq++) {
      const stored = await this.#storedAt(REJECTED_STREAM, seq);
      if (stored === undefined) continue;
      yield {
        subject: stored.header.get(REJECTION_HEADERS.subject),
        sealedReason: Buffer.from(stored.header.get(REJECTION_HEADERS.reason), 'base64'),
        sealedBytes: stored.data,
      };
    }
  }

  async waitingInputs(): Promise<number> {
    return (await this.manager.streams.info(INPUT_STREAM)).state.messages;
  }

  /** Undefined for a message that was deleted. */
  async #storedAt(stream: string, seq: number): Promise<StoredMsg | undefined> {
    try {
      return await this.manager.streams.getMessage(stream, { seq });
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.code === NO_MESSAGE) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.connection.isClosed()) await this.connection.drain();
  }
}

function foreignStream(found: string, expected: string): ProtegoError {
  return new ProtegoError('NATS_STREAM_FOREIGN', `stream ${OUTPUT_STREAM} holds results of another log`, {
    found,
    expected,
  });
}

// A header value is one line of printable ASCII; anything else could forge another header.
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 4_096);
}

function requireTlsOffLoopback(url: string): void {
  const { hostname, protocol } = new URL(url);
  if (!isLoopbackHost(hostname) && protocol !== 'tls:') {
    throw new ProtegoError('CONFIG_INVALID', `\`nats.url\` must begin with tls:// off loopback`, { key: 'nats.url' });
  }
}

async function ensureStream(manager: JetStreamManager, declared: StreamDeclaration): Promise<void> {
  const config: Partial<StreamConfig> & { name: string } = {
    name: declared.name,
    description: declared.description,
    subjects: [...declared.subjects],
    retention: declared.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(declared.maxAgeMs),
    max_bytes: declared.maxBytes,
    max_msg_size: declared.messageBytesMax ?? -1,
    discard: declared.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    duplicate_window: nanos(declared.duplicateWindowMs),
  };
  const isThere = await manager.streams.info(declared.name).then(
    () => true,
    (error: unknown) => {
      if (error instanceof NatsError && error.api_error?.code === NO_MESSAGE) return false;
      throw error;
    },
  );
  if (isThere) await manager.streams.update(declared.name, config);
  else await manager.streams.add(config);
}
