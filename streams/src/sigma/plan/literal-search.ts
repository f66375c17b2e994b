import { AhoCorasick, type CharacterClasses, type Needle } from './aho-corasick';
import { SKIP_LENGTH_MIN, SkipSearch } from './skip-search';

/** From so many literals on, the table that says how far to skip is too large for short texts to be worth it. */
const READ_LITERALS_MIN = 48;
/** From so many characters on it is worth it after all. */
const SKIPPED_TEXT_MIN = 256;

/**
 * Finds many literals anywhere in a text: in short texts by reading all of it; in long ones literals that are long enough by skipping
 * most of it. Tables are made when the first text comes that they are for.
 */
export class LiteralSearch {
  readonly #long: readonly Needle[];
  readonly #short: readonly Needle[];
  #all: AhoCorasick | undefined;
  #longOnes: SkipSearch | undefined;
  #shortOnes: AhoCorasick | undefined;

  constructor(
    private readonly classes: CharacterClasses,
    needles: readonly Needle[],
  ) {
    const isLong = ({ literal }: Needle): boolean => literal.length >= SKIP_LENGTH_MIN;
    this.#long = needles.filter(isLong);
    this.#short = needles.filter((needle) => !isLong(needle));
  }

  /**
   * Tells the ids of all needles in a text, some perhaps more than once.
   *
   * @returns false when it met a character beyond Latin-1; then not all may have been told
   */
  search(text: string, found: (ids: Int32Array) => void): boolean {
    if (text.length < SKIPPED_TEXT_MIN && this.#long.length >= READ_LITERALS_MIN) {
      this.#all ??= new AhoCorasick(this.classes, [...this.#long, ...this.#short]);
      return this.#all.search(text, found);
    }
    return (
      (this.#long.length === 0 || (this.#longOnes ??= new SkipSearch(this.classes, this.#long)).search(text, found)) &&
      (this.#short.length === 0 || (this.#shortOnes ??= new AhoCorasick(this.classes, this.#short)).search(text, found))
    );
  }
}
