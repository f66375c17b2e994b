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
 * Multiplication by a unit of the ring of integers modulo a power of ten; both ways in one step.
 */
export class ScrambledNumbers {
  readonly #factor: number;
  readonly #inverse: number;
  readonly #offset: number;
  readonly #modulus: number;
  readonly #digits: number;

  /** @param digits how many digits a number has, 1 to 7, so that products stay exact */
  constructor(digits: number, key: number) {
    this.#digits = digits;
    this.#modulus = 10 ** digits;
    // What ends in 3 shares no factor with a power of ten.
    this.#factor = drawIndex(this.#modulus / 10, key, 1) * 10 + 3;
    this.#offset = drawIndex(this.#modulus, key, 2);
    this.#inverse = inverseOf(this.#factor, this.#modulus);
  }

  /** Digits of the number of an index below `10 ** digits`. */
  of(index: number): string {
    return String((index * this.#factor + this.#offset) % this.#modulus).padStart(this.#digits, '0');
  }

  /** Index whose digits these are; undefined where they are none. */
  indexOf(digits: string): number | undefined {
    const number = Number(digits);
    if (digits.length !== this.#digits || !Number.isInteger(number) || number < 0) return undefined;
    return ((number - this.#offset + this.#modulus) * this.#inverse) % this.#modulus;
  }
}

/** Extended Euclid. */
function inverseOf(value: number, modulus: number): number {
  let [oldR, r, oldS, s] = [value, modulus, 1, 0];
  while (r !== 0) {
    const quotient = Math.floor(oldR / r);
    [oldR, r] = [r, oldR - quotient * r];
    [oldS, s] = [s, oldS - quotient * s];
  }
  return ((oldS % modulus) + modulus) % modulus;
}
