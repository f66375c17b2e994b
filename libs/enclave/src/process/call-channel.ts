import { ProtegoError } from '@protego/contracts';
import { ANSWERS, readError, writeError } from './call-codec';
import { FrameReader, FrameWriter } from './frame-bytes';
import { type FrameChannel, type Frame, type FrameListener } from './frame-channel';

/** Calls that wait for their answer at one time. */
const PENDING_MAX = 4_096;
/** From here on a frame's kind is the operation of a call, below it the status of an answer. */
const CALLS_FROM = 0x10;

interface Pending {
  resolve(reader: FrameReader): void;
  reject(error: unknown): void;
}

/** What one side does for the other. */
export interface CallServer {
  /** Answers a call, or throws; `undefined` answers nothing. The reader's memory is wiped afterwards. */
  answer(operation: number, reader: FrameReader): Promise<FrameWriter>;
  /** The other side is gone. */
  onEnd(error: Error | undefined): void;
}

/** Calls in both directions over one channel; answers may come in any order. */
export class CallChannel {
  readonly #pending = new Map<number, Pending>();
  readonly #channel: FrameChannel;
  #calls = 0;
  #lost: ProtegoError | undefined;

  /** @param connect makes the channel, such as `FrameChannel.overDescriptor` */
  constructor(
    connect: (listener: FrameListener) => FrameChannel,
    private readonly server: CallServer,
  ) {
    this.#channel = connect({
      onFrame: (frame) => this.#onFrame(frame),
      onEnd: (error) => this.#onEnd(error),
    });
  }

  /**
   * Calls the other side; resolves with what it answers. The answer's memory belongs to the caller.
   *
   * @throws ProtegoError what the other side threw; `ENCLAVE_LOST` when it is gone; `ENCLAVE_CALL_INVALID` when too much waits
   */
  call(operation: number, writer: FrameWriter): Promise<FrameReader> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#pending.size >= PENDING_MAX)
      return Promise.reject(new ProtegoError('ENCLAVE_CALL_INVALID', `more than ${PENDING_MAX} calls wait`));
    this.#calls = (this.#calls + 1) >>> 0;
    const call = this.#calls;
    return new Promise((resolve, reject) => {
      this.#pending.set(call, { resolve, reject });
      try {
        this.#channel.send(call, operation + CALLS_FROM, writer.end());
      } catch (error) {
        this.#pending.delete(call);
        reject(error as Error);
      }
    });
  }

  /** Sends what waits, then closes. */
  finish(): void {
    this.#channel.finish();
  }

  close(): void {
    this.#channel.close();
  }

  #onFrame({ call, kind, payload }: Frame): void {
    if (kind >= CALLS_FROM) void this.#serve(call, kind - CALLS_FROM, payload);
    else this.#settle(call, kind, payload);
  }

  async #serve(call: number, operation: number, payload: Buffer): Promise<void> {
    let status: number = ANSWERS.done;
    let writer: FrameWriter;
    try {
      writer = await this.server.answer(operation, new FrameReader(payload));
    } catch (error) {
      status = ANSWERS.failed;
      writer = new FrameWriter();
      writeError(writer, error);
    }
    payload.fill(0);
    if (this.#lost !== undefined) return;
    try {
      this.#channel.send(call, status, writer.end());
    } catch (error) {
      const refusal = new FrameWriter();
      writeError(refusal, error);
      this.#channel.send(call, ANSWERS.failed, refusal.end());
    }
  }

  #settle(call: number, status: number, payload: Buffer): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (pending === undefined) return;
    const reader = new FrameReader(payload);
    try {
      if (status === ANSWERS.done) pending.resolve(reader);
      else pending.reject(readError(reader));
    } catch (error) {
      pending.reject(error);
    }
  }

  #onEnd(error: Error | undefined): void {
    this.#lost = new ProtegoError('ENCLAVE_LOST', 'the enclave process is gone', {}, { cause: error });
    for (const { reject } of this.#pending.values()) reject(this.#lost);
    this.#pending.clear();
    this.server.onEnd(error);
  }
}
