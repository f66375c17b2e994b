import { hash } from 'node:crypto';
import { CALLER_AT, LANES, lanesModule, type LanesExports } from './lanes-module';
import { instanceOf, type WasmModule } from '../wasm/wasm-code';

/** Bytes of a SHA-256 hash. */
const HASH_BYTES = 32;
const PAGE_BYTES = 65_536;
/** Digests that are written beyond those that were asked for. */
const SPARE_BYTES = LANES * HASH_BYTES;
/** Pairs that are hashed in one call. */
const PAIRS_MAX = 2048;

let compiled: WasmModule | undefined;
let instance: Sha256Lanes | undefined;

/** The compiled module, of which a thread makes its own instance. */
export function sha256LanesModule(): WasmModule {
  return (compiled ??= lanesModule());
}

/** The instance of this thread. */
export function sha256Lanes(): Sha256Lanes {
  return (instance ??= new Sha256Lanes());
}

/**
 * SHA-256 of many short messages at once, four at a time. It gives what node:crypto gives, and refuses to start when it
 * does not.
 */
export class Sha256Lanes {
  private readonly exports: LanesExports;
  private bytes: Uint8Array;

  /** @throws Error when this processor hashes wrongly */
  constructor() {
    this.exports = instanceOf<LanesExports>(sha256LanesModule());
    this.exports.prepare();
    this.bytes = new Uint8Array(this.exports.memory.buffer);
    this.checkItself();
  }

  /**
   * Hashes messages that lie end to end at the end of a payload, which begins with the length of each (32 bits,
   * big-endian). The digests are written to `digests` from its beginning on, 32 bytes each.
   */
  hashMessages(payload: Uint8Array, count: number, digests: Uint8Array): void {
    const payloadEnd = CALLER_AT + payload.length;
    this.makeRoom(payloadEnd + count * HASH_BYTES + SPARE_BYTES);
    this.bytes.set(payload, CALLER_AT);
    this.exports.messages(CALLER_AT, payloadEnd, count, payloadEnd);
    digests.set(this.bytes.subarray(payloadEnd, payloadEnd + count * HASH_BYTES));
  }

  /**
   * Hashes pairs of 32-byte hashes that lie end to end from `from` on, each with the prefix 0x01: the inner nodes of an RFC
   * 6962 tree. The digests are written to `digests` from `to` on.
   */
  hashPairs(hashes: Uint8Array, from: number, count: number, digests: Uint8Array, to: number): void {
    for (let done = 0; done < count; done += PAIRS_MAX) {
      const now = Math.min(PAIRS_MAX, count - done);
      const pairsAt = CALLER_AT + HASH_BYTES;
      const digestsAt = pairsAt + now * 2 * HASH_BYTES + 2 * SPARE_BYTES;
      const first = from + done * 2 * HASH_BYTES;
      this.bytes.set(hashes.subarray(first, first + now * 2 * HASH_BYTES), pairsAt);
      this.exports.pairs(pairsAt, now, digestsAt);
      digests.set(this.bytes.subarray(digestsAt, digestsAt + now * HASH_BYTES), to + done * HASH_BYTES);
    }
  }

  private makeRoom(bytes: number): void {
    if (this.bytes.length >= bytes) return;
    this.exports.memory.grow(Math.ceil((bytes - this.bytes.length) / PAGE_BYTES));
    this.bytes = new Uint8Array(this.exports.memory.buffer);
  }

  /** Hashes messages of every length up to three blocks, and compares. */
  private checkItself(): void {
    const count = 192;
    const lengths = Buffer.alloc(4 * count);
    const messages = Array.from({ length: count }, (_, i) => Buffer.alloc(i, i));
    for (let i = 0; i < count; i++) lengths.writeUInt32BE(i, 4 * i);
    const digests = Buffer.alloc(count * HASH_BYTES);
    this.hashMessages(Buffer.concat([lengths, ...messages]), count, digests);
    const nodes = Buffer.alloc(digests.length / 2);
    this.hashPairs(digests, 0, count / 2, nodes, 0);
    const expected = Buffer.concat(messages.map((message) => hash('sha256', message, 'buffer')));
    const expectedNodes = Array.from({ length: count / 2 }, (_, i) => {
      const pair = expected.subarray(i * 2 * HASH_BYTES, (i + 1) * 2 * HASH_BYTES);
      return hash('sha256', Buffer.concat([Buffer.of(1), pair]), 'buffer');
    });
    if (digests.equals(expected) && nodes.equals(Buffer.concat(expectedNodes))) return;
    throw new Error('SHA-256 in lanes does not give what node:crypto gives; this processor or runtime is not sound');
  }
}
