import { crypto_shorthash, crypto_shorthash_BYTES, crypto_shorthash_KEYBYTES } from 'sodium-native';
import { ProtegoError } from '@protego/contracts';
import { instanceOf } from '../wasm/wasm-code';
import { DIGEST_AT, INPUT_AT, INPUT_BYTES_MAX, siphashModule, type SipHashExports } from './siphash-module';

/** Bytes of a key. */
export const SIPHASH_KEY_BYTES = crypto_shorthash_KEYBYTES;

/** Inputs of every length up to this are compared with those of libsodium at the start. */
const CHECKED_BYTES_MAX = 33;
/** What is longer is not copied byte by byte. */
const COPIED_BYTES_MAX = 128;
/** No code unit takes more in UTF-8. */
const UNIT_BYTES_MAX = 3;
const ASCII_END = 0x80;

/** The code that hashes, and its memory; one for all keys, which it does not keep. */
interface Engine {
  readonly run: SipHashExports['siphash'];
  /** From {@link INPUT_AT} on. */
  readonly input: Buffer;
  readonly digest: DataView;
}

let shared: Engine | undefined;

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) under one key. The hash stands in `low` and `high`, its little-endian words,
 * until the next call: a block has thousands of subjects, and an object each would cost more than the hash. It gives what
 * libsodium's `crypto_shorthash` gives, and refuses to start when it does not: for the short texts that a log hashes, a
 * native function spends more time on being called than on hashing.
 */
export class SipHash {
  low = 0;
  high = 0;
  readonly #engine: Engine;
  readonly #key: readonly [number, number, number, number];

  /**
   * @param key 16 bytes; copied
   * @throws ProtegoError `CONFIG_INVALID` when the key has another length
   * @throws Error when this processor hashes wrongly
   */
  constructor(key: Buffer) {
    if (key.length !== SIPHASH_KEY_BYTES) {
      const message = `a key of SipHash has ${SIPHASH_KEY_BYTES} bytes, not ${key.length}`;
      throw new ProtegoError('CONFIG_INVALID', message, { bytes: key.length });
    }
    this.#engine = shared ??= checkedEngine();
    this.#key = wordsOf(key);
  }

  /** Hashes a text in UTF-8. */
  hash(text: string): void {
    if (text.length * UNIT_BYTES_MAX > this.#engine.input.length) this.hashBytes(Buffer.from(text, 'utf8'));
    else this.#run(this.#put(text, 0));
  }

  /** Hashes two texts in UTF-8 with a NUL between them. */
  hashPair(first: string, second: string): void {
    const { input } = this.#engine;
    if ((first.length + second.length) * UNIT_BYTES_MAX >= input.length) {
      this.hashBytes(Buffer.from(`${first}\0${second}`, 'utf8'));
      return;
    }
    const nulAt = this.#put(first, 0);
    input[nulAt] = 0;
    this.#run(this.#put(second, nulAt + 1));
  }

  /** Hashes bytes, by default all of them. */
  hashBytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const { input } = this.#engine;
    const length = end - start;
    if (length > input.length) this.#hashLong(bytes.subarray(start, end));
    else if (length > COPIED_BYTES_MAX) {
      input.set(bytes.subarray(start, end));
      this.#run(length);
    } else {
      for (let i = 0; i < length; i++) input[i] = bytes[start + i] as number;
      this.#run(length);
    }
  }

  /** Writes a text for which there is room to the input; where it ends. */
  #put(text: string, at: number): number {
    const { input } = this.#engine;
    const units = text.length;
    for (let i = 0; i < units; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= ASCII_END) return at + input.write(text, at, 'utf8');
      input[at + i] = unit;
    }
    return at + units;
  }

  #run(length: number): void {
    const { run, digest } = this.#engine;
    const key = this.#key;
    run(key[0], key[1], key[2], key[3], length);
    this.low = digest.getUint32(0, true);
    this.high = digest.getUint32(4, true);
  }

  #hashLong(bytes: Uint8Array): void {
    const key = Buffer.alloc(SIPHASH_KEY_BYTES);
    this.#key.forEach((word, i) => key.writeInt32LE(word, 4 * i));
    const digest = Buffer.alloc(crypto_shorthash_BYTES);
    crypto_shorthash(digest, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), key);
    key.fill(0);
    this.low = digest.readUInt32LE(0);
    this.high = digest.readUInt32LE(4);
  }
}

function wordsOf(key: Buffer): [number, number, number, number] {
  return [key.readInt32LE(0), key.readInt32LE(4), key.readInt32LE(8), key.readInt32LE(12)];
}

/** Hashes inputs of every length up to four words, and compares. */
function checkedEngine(): Engine {
  const { siphash, memory } = instanceOf<SipHashExports>(siphashModule());
  const input = Buffer.from(memory.buffer, INPUT_AT, INPUT_BYTES_MAX);
  const digest = Buffer.from(memory.buffer, DIGEST_AT, crypto_shorthash_BYTES);
  const key = Buffer.from(Array.from({ length: SIPHASH_KEY_BYTES }, (_, i) => 0xf0 - i));
  const expected = Buffer.alloc(crypto_shorthash_BYTES);
  // Bytes that stand behind an input must not count.
  input.fill(0xa5, 0, CHECKED_BYTES_MAX + 8);
  for (let length = 0; length <= CHECKED_BYTES_MAX; length++) {
    siphash(...wordsOf(key), length);
    crypto_shorthash(expected, input.subarray(0, length), key);
    if (!digest.equals(expected))
      throw new Error('SipHash does not give what libsodium gives; this processor or runtime is not sound');
  }
  return { run: siphash, input, digest: new DataView(memory.buffer, DIGEST_AT, crypto_shorthash_BYTES) };
}
