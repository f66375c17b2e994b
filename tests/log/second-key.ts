import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { SeededRandom } from '@protego/event-log/testing';

const BLOCK_BYTES = 16;
const PRIME = 2n ** 130n - 5n;
const NONCE = Buffer.alloc(12);
const TWO_128 = 2n ** 128n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

/** A ciphertext of ChaCha20-Poly1305 (RFC 8439) that two keys open, each to another plaintext. */
export interface TwoKeyCiphertext {
  readonly keys: readonly [Buffer, Buffer];
  /** With its tag of 16 bytes. */
  readonly ciphertext: Buffer;
}

/** What decrypts under a key, or undefined when the tag does not fit. */
export function decryptRaw(key: Buffer, ciphertext: Buffer, aad: Buffer): Buffer | undefined {
  const decipher = createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: BLOCK_BYTES });
  decipher.setAAD(aad, { plaintextLength: ciphertext.length - BLOCK_BYTES });
  decipher.setAuthTag(ciphertext.subarray(-BLOCK_BYTES));
  const plain = decipher.update(ciphertext.subarray(0, -BLOCK_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plain;
}

/**
 * Finds such a ciphertext: Poly1305 is linear in each block, so that one block can be solved for equal tags under both
 * keys (Len, Grubbs, Ristenpart, "Partitioning Oracle Attacks", 2021).
 */
export function twoKeyCiphertext(random: SeededRandom, aad: Buffer): TwoKeyCiphertext {
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random.below(256)));
  const keys = [bytes(32), bytes(32)] as const;
  const macs = keys.map(oneTimeKeyOf) as [OneTimeKey, OneTimeKey];
  for (;;) {
    const blocks = [bytes(BLOCK_BYTES), Buffer.alloc(BLOCK_BYTES), bytes(BLOCK_BYTES)];
    const free = solve(macs, aad, blocks);
    if (free === undefined) continue;
    blocks[1] = free;
    const ciphertext = Buffer.concat([...blocks, tagOf(macs[0], aad, blocks)]);
    const isOpened = keys.every((key) => decryptRaw(key, ciphertext, aad) !== undefined);
    if (isOpened) return { keys, ciphertext };
  }
}

interface OneTimeKey {
  readonly r: bigint;
  readonly s: bigint;
}

function oneTimeKeyOf(key: Buffer): OneTimeKey {
  // OpenSSL takes the block counter, which is 0 here, and the nonce as one IV.
  const stream = createCipheriv('chacha20', key, Buffer.alloc(16)).update(Buffer.alloc(32));
  return { r: numberOf(stream.subarray(0, 16)) & CLAMP, s: numberOf(stream.subarray(16)) };
}

/** Value of the second block that makes both tags equal, or undefined when none does with the other blocks as they are. */
function solve([a, b]: readonly [OneTimeKey, OneTimeKey], aad: Buffer, blocks: readonly Buffer[]): Buffer | undefined {
  const zeroed = macInput(aad, blocks);
  const index = paddedBlocks(aad) + 1;
  const power = BigInt(zeroed.length - index);
  const slope = modulo(powerOf(a.r, power) - powerOf(b.r, power));
  // The block that is solved for stands as zeros with its mark 2^128.
  const rest = modulo(polynomial(b.r, zeroed) - polynomial(a.r, zeroed) + b.s - a.s);
  for (let carry = -4n; carry <= 4n; carry++) {
    const value = modulo((rest + carry * TWO_128) * powerOf(slope, PRIME - 2n));
    if (value >= TWO_128) continue;
    const free = bytesOf(value);
    const solved = [blocks[0] as Buffer, free, blocks[2] as Buffer];
    if (tagOf(a, aad, solved).equals(tagOf(b, aad, solved))) return free;
  }
  return undefined;
}

const paddedBlocks = (bytes: Buffer): number => Math.ceil(bytes.length / BLOCK_BYTES);

function macInput(aad: Buffer, blocks: readonly Buffer[]): bigint[] {
  const lengths = Buffer.alloc(BLOCK_BYTES);
  lengths.writeUInt32LE(aad.length, 0);
  lengths.writeUInt32LE(blocks.length * BLOCK_BYTES, 8);
  const padded = Buffer.alloc(paddedBlocks(aad) * BLOCK_BYTES);
  aad.copy(padded);
  const all = Buffer.concat([padded, ...blocks, lengths]);
  return Array.from({ length: all.length / BLOCK_BYTES }, (_, i) => {
    return numberOf(all.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES)) + TWO_128;
  });
}

function polynomial(r: bigint, input: readonly bigint[]): bigint {
  return input.reduce((sum, block) => modulo((sum + block) * r), 0n);
}

function tagOf({ r, s }: OneTimeKey, aad: Buffer, blocks: readonly Buffer[]): Buffer {
  return bytesOf((polynomial(r, macInput(aad, blocks)) + s) % TWO_128);
}

function modulo(value: bigint): bigint {
  const rest = value % PRIME;
  return rest < 0n ? rest + PRIME : rest;
}

function powerOf(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = modulo(base), rest = exponent; rest > 0n; rest >>= 1n, square = modulo(square * square)) {
    if ((rest & 1n) === 1n) result = modulo(result * square);
  }
  return result;
}

function numberOf(littleEndian: Buffer): bigint {
  return BigInt(`0x${Buffer.from(littleEndian).reverse().toString('hex')}`);
}

function bytesOf(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex').reverse();
}
