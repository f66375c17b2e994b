/** Bits of a set; a text of 2,000 characters fills about a sixth of them. */
const BIT_COUNT = 4096;
/** Pairs of a literal that are looked up before it is searched for. */
const PAIRS_MAX = 12;

/**
 * Which pairs of neighbouring characters a text holds, as a bit set that may answer "perhaps" but never wrongly "no".
 * It is built once per text and spares nearly every search for a literal that is not there.
 */
export class BigramSet {
  readonly #bits = new Uint32Array(BIT_COUNT / 32);

  /** Takes the pairs of a text in place of those before. */
  fill(text: string): void {
    const bits = this.#bits;
    bits.fill(0);
    let left = text.charCodeAt(0);
    for (let at = 1; at < text.length; at++) {
      const right = text.charCodeAt(at);
      const bit = bitOf(left, right);
      bits[bit >>> 5] = (bits[bit >>> 5] as number) | (1 << (bit & 31));
      left = right;
    }
  }

  /** False when the text lacks a pair of those given by {@link bigramsOf}. */
  mayHold(bigrams: Uint16Array): boolean {
    const bits = this.#bits;
    for (let at = 0; at < bigrams.length; at++) {
      const bit = bigrams[at] as number;
      if (((bits[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }
}

/** Pairs of neighbouring characters of the literals, for {@link BigramSet.mayHold}; empty when all are too short. */
export function bigramsOf(literals: readonly string[]): Uint16Array {
  const bits = new Set<number>();
  for (const literal of literals) {
    for (let at = 1; at < literal.length; at++) bits.add(bitOf(literal.charCodeAt(at - 1), literal.charCodeAt(at)));
  }
  return Uint16Array.from([...bits].slice(0, PAIRS_MAX));
}

function bitOf(left: number, right: number): number {
  return ((left << 5) ^ right) & (BIT_COUNT - 1);
}
