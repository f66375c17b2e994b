import { hash } from 'node:crypto';

/** Most distinct lines of one file that are remembered where the caller sets no other bound; at most 96 MiB. */
export const DISTINCT_LINES_MAX = 4_194_304;

const ID_DIGITS = 32;
const SLOTS_MIN = 1024;

/**
 * Ids from content: 32 hex digits of the SHA-256 of a line, and `-<n>` for its n-th further occurrence in the file, so
 * that a repeated import, or one of the same lines in another order, gives the same ids.
 *
 * Beyond the bound a line that is not remembered gets `<hash>-line<number>`: no repeated line is lost as a duplicate,
 * but these ids depend on the order of lines; `idsByLineNumber` counts them.
 */
export class LineIds {
  /** Ids that name a line number because the table was full. */
  idsByLineNumber = 0;
  readonly #occurrences: OccurrenceTable;

  constructor(distinctLinesMax: number = DISTINCT_LINES_MAX) {
    this.#occurrences = new OccurrenceTable(distinctLinesMax);
  }

  /** Id of the next occurrence of a line; `line` is its number in the file. */
  next(content: Buffer | string, line: number): string {
    const digits = hash('sha256', content, 'hex').slice(0, ID_DIGITS);
    const earlierCount = this.#occurrences.countEarlier(digits);
    if (earlierCount === 0) return digits;
    if (earlierCount !== undefined) return `${digits}-${earlierCount}`;
    this.idsByLineNumber++;
    return `${digits}-line${line}`;
  }
}

/** Counts by 64-bit key in an open-addressing table of typed arrays: 12 bytes a slot and no objects to collect. */
class OccurrenceTable {
  #high = new Uint32Array(SLOTS_MIN);
  #low = new Uint32Array(SLOTS_MIN);
  #counts = new Uint32Array(SLOTS_MIN);
  #keyCount = 0;

  constructor(readonly keysMax: number) {}

  /** How often the key was counted before, and counts it; undefined when it is new and the table is full. */
  countEarlier(hexDigits: string): number | undefined {
    const high = parseInt(hexDigits.slice(0, 8), 16);
    const low = parseInt(hexDigits.slice(8, 16), 16);
    const slot = this.#slotOf(high, low);
    const count = this.#counts[slot] ?? 0;
    if (count === 0) {
      if (this.#keyCount >= this.keysMax) return undefined;
      this.#keyCount++;
      this.#high[slot] = high;
      this.#low[slot] = low;
    }
    this.#counts[slot] = count + 1;
    if (count === 0 && this.#keyCount > this.#counts.length * 0.75) this.#grow();
    return count;
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#counts.length - 1;
    let slot = low & mask;
    while (this.#counts[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [high, low, counts] = [this.#high, this.#low, this.#counts];
    const slotCount = counts.length * 2;
    this.#high = new Uint32Array(slotCount);
    this.#low = new Uint32Array(slotCount);
    this.#counts = new Uint32Array(slotCount);
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0) continue;
      const slot = this.#slotOf(high[i] ?? 0, low[i] ?? 0);
      this.#high[slot] = high[i] ?? 0;
      this.#low[slot] = low[i] ?? 0;
      this.#counts[slot] = counts[i] ?? 0;
    }
  }
}
