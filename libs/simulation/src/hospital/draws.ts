/**
 * A 32-bit word that depends on nothing but its arguments: for facts that are asked for in any order (is somebody ill on a day,
 * what is a resident's name). Finalizer of MurmurHash3 (Appleby, public domain) after each argument. Not for secrets.
 */
export function drawWord(key: number, a: number, b = 0, c = 0): number {
  return mix(mix(mix(key ^ Math.imul(a, 0x9e3779b1)) ^ Math.imul(b, 0x85ebca77)) ^ Math.imul(c, 0xc2b2ae3d));
}

/** A number in `[0, 1)` that depends on nothing but its arguments; see {@link drawWord}. */
export function drawFraction(key: number, a: number, b = 0, c = 0): number {
  return drawWord(key, a, b, c) / 0x1_0000_0000;
}

/** A whole number from 0 to below `count` that depends on nothing but its arguments; see {@link drawWord}. */
export function drawIndex(count: number, key: number, a: number, b = 0, c = 0): number {
  return Math.floor(drawFraction(key, a, b, c) * count);
}

function mix(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Numbers of a fixed count of digits in a scrambled order: a person's number says nothing of when or as what it was given.
 * Multiplication by a unit of the ring of integers modulo `modulus`, a power of ten; both ways in one step.
 */
export class ScrambledNumbers {
  readonly #factor: bigint;
  readonly #inverse: bigint;
  readonly #offset: bigint;
  readonly #modulus: bigint;
  readonly #digits: number;

  /** @param digits how many digits a number has, 1 to 9 */
  constructor(digits: number, key: number) {
    this.#digits = digits;
    this.#modulus = 10n ** BigInt(digits);
    // What ends in 3 shares no factor with a power of ten.
    this.#factor = BigInt(Math.floor(drawFraction(key, 1) * 10 ** (digits - 1))) * 10n + 3n;
    this.#offset = BigInt(Math.floor(drawFraction(key, 2) * 10 ** digits));
    this.#inverse = inverseOf(this.#factor, this.#modulus);
  }

  /** Digits of the number of an index below `10 ** digits`. */
  of(index: number): string {
    const number = (BigInt(index) * this.#factor + this.#offset) % this.#modulus;
    return number.toString().padStart(this.#digits, '0');
  }

  /** Index whose digits these are; undefined where they are none. */
  indexOf(digits: string): number | undefined {
    if (digits.length !== this.#digits || !/^\d+$/.test(digits)) return undefined;
    const shifted = BigInt(digits) - this.#offset + this.#modulus;
    return Number((shifted * this.#inverse) % this.#modulus);
  }
}

/** Extended Euclid. */
function inverseOf(value: bigint, modulus: bigint): bigint {
  let [oldR, r, oldS, s] = [value, modulus, 1n, 0n];
  while (r !== 0n) {
    const quotient = oldR / r;
    [oldR, r] = [r, oldR - quotient * r];
    [oldS, s] = [s, oldS - quotient * s];
  }
  return ((oldS % modulus) + modulus) % modulus;
}
