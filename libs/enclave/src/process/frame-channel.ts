import { Socket } from 'node:net';
import { ProtegoError } from '@protego/contracts';

/** Most bytes of one frame. */
export const FRAME_BYTES_MAX = 67_108_864;
const READ_BYTES = 262_144;
// length u32 | call u32 | operation or status u8
const HEADER_BYTES = 9;
const KIND_AT = 8;

/** One message across the border. */
export interface Frame {
  /** Number by which an answer finds its call. */
  readonly call: number;
  /** Operation of a call, status of an answer. */
  readonly kind: number;
  /** The receiver's own memory: wipe it after use. */
  readonly payload: Buffer;
}

/** Where frames and the end of the channel go. */
export interface FrameListener {
  onFrame(frame: Frame): void;
  /** The other side is gone, or sent what is no frame. Called once. */
  onEnd(error: Error | undefined): void;
}

/**
 * Frames over a socket pair. What is read and written lies in buffers of this process that are wiped, not in those of the
 * stream machinery.
 */
export class FrameChannel {
  readonly #socket: Socket;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #payload: Buffer | undefined;
  #payloadBytes = 0;
  #isEnded = false;

  private constructor(
    socketOf: (onBytes: (bytes: Buffer) => void) => Socket,
    private readonly listener: FrameListener,
  ) {
    this.#socket = socketOf((bytes) => {
      this.#read(bytes);
      bytes.fill(0);
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(undefined));
  }

  /** Over a socket that this process was started with; everything is read into one buffer that is wiped each time. */
  static overDescriptor(fd: number, listener: FrameListener): FrameChannel {
    const socketOf = (onBytes: (bytes: Buffer) => void): Socket => {
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
      const callback = (bytes: number): boolean => {
        onBytes(buffer.subarray(0, bytes));
        return true;
      };
      const options = { fd, readable: true, writable: true, onread: { buffer, callback } };
      return new Socket(options as ConstructorParameters<typeof Socket>[0]).resume();
    };
    return new FrameChannel(socketOf, listener);
  }

  /** Over a socket to a process that this one has started. */
  static overSocket(socket: Socket, listener: FrameListener): FrameChannel {
    return new FrameChannel((onBytes) => socket.on('data', onBytes), listener);
  }

  /**
   * Sends a frame. The payload is wiped once it is on its way.
   *
   * @throws ProtegoError `ENCLAVE_CALL_INVALID` beyond {@link FRAME_BYTES_MAX}
   */
  send(call: number, kind: number, payload: Buffer): void {
    if (payload.length > FRAME_BYTES_MAX) {
      const details = { bytes: payload.length, bytesMax: FRAME_BYTES_MAX };
      throw new ProtegoError('ENCLAVE_CALL_INVALID', `a call of ${payload.length} bytes is too large`, details);
    }
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(payload.length, 0);
    header.writeUInt32BE(call, 4);
    header[KIND_AT] = kind;
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(payload, () => payload.fill(0));
    this.#socket.uncork();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Sends what waits, then closes. */
  finish(): void {
    this.#socket.end();
  }

  #read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.#isEnded) {
      at += this.#payload === undefined ? this.#readHeader(bytes, at) : this.#readPayload(bytes, at);
      if (this.#payload?.length === this.#payloadBytes) this.#deliver(this.#payload);
    }
  }

  #readHeader(bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.#header, this.#headerBytes, at);
    this.#headerBytes += taken;
    if (this.#headerBytes < HEADER_BYTES) return taken;
    const length = this.#header.readUInt32BE(0);
    if (length > FRAME_BYTES_MAX) {
      this.#end(new ProtegoError('ENCLAVE_CALL_INVALID', `a frame of ${length} bytes was announced`));
      this.#socket.destroy();
      return taken;
    }
    this.#payload = Buffer.allocUnsafeSlow(length);
    this.#payloadBytes = 0;
    return taken;
  }

  #readPayload(bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.#payload as Buffer, this.#payloadBytes, at);
    this.#payloadBytes += taken;
    return taken;
  }

  #deliver(payload: Buffer): void {
    const frame = { call: this.#header.readUInt32BE(4), kind: this.#header[KIND_AT] as number, payload };
    this.#headerBytes = 0;
    this.#payload = undefined;
    this.listener.onFrame(frame);
  }

  #end(error: Error | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#payload?.fill(0);
    this.listener.onEnd(error);
  }
}
