import { AhoCorasick, type CharacterClasses, type Needle } from './aho-corasick';
import { SKIP_LENGTH_MIN, SkipSearch } from './skip-search';

/** Finds many literals anywhere in a text: long ones by skipping most of it, short ones by reading all of it. */
export class LiteralSearch {
  readonly #long: SkipSearch | undefined;
  readonly #short: AhoCorasick | undefined;

  constructor(classes: CharacterClasses, needles: readonly Needle[]) {
    const isLong = ({ literal }: Needle): boolean => literal.length >= SKIP_LENGTH_MIN;
    const [long, short] = [needles.filter(isLong), needles.filter((needle) => !isLong(needle))];
    this.#long = long.length === 0 ? undefined : new SkipSearch(classes, long);
    this.#short = short.length === 0 ? undefined : new AhoCorasick(classes, short);
  }

  /**
   * Tells the ids of all needles in a text, some perhaps more than once.
   *
   * @returns false when it met a character beyond Latin-1; then not all may have been told
   */
  search(text: string, found: (ids: Int32Array) => void): boolean {
    return (
      (this.#long === undefined || this.#long.search(text, found)) &&
      (this.#short === undefined || this.#short.search(text, found))
    );
  }
}
