import type { ProtegoEvent } from '@protego/contracts';
import { NameIndex, readingsOf, searchTextsOf } from '@protego/enclave';

/** Most names of one person that are looked for, in all spellings that stand in fields. */
export const NAMES_MAX = 4_096;

/**
 * Adds the clear values that stand where a stored event has one of the tokens.
 *
 * @param revealed the same event with its personal fields in clear
 */
export function namesBehindToken(
  stored: ProtegoEvent,
  revealed: ProtegoEvent,
  tokens: readonly string[],
  names: Set<string>,
): void {
  const visit = (before: unknown, after: unknown): void => {
    if (typeof before === 'string') {
      // What is gone already still reads as its token, which is no name.
      const isRevealed = typeof after === 'string' && after !== before;
      if (isRevealed && tokens.includes(before) && names.size < NAMES_MAX) names.add(after);
    } else if (typeof before === 'object' && before !== null && typeof after === 'object' && after !== null) {
      for (const [key, value] of Object.entries(before)) visit(value, (after as Record<string, unknown>)[key]);
    }
  };
  visit(stored, revealed);
}

/** Looks for the names of one person in text, as the vault does when it seals ({@link NameIndex}). */
export class NameSearch {
  private readonly index = new NameIndex<true>();

  /** Names of fewer than three letters and digits are left out: they stand in every text. */
  constructor(names: readonly string[]) {
    for (const name of names) this.index.add(name, true);
  }

  /** True when one of the names stands in the text, however it is written there. @param together how many texts there are */
  isIn(text: string, together = 1): boolean {
    const found = new Set<true>();
    this.index.search(text, found, together);
    return found.size > 0;
  }

  /** True when one of the names stands in bytes of unknown kind, read as the vault reads them when it seals. */
  isInBytes(bytes: Uint8Array): boolean {
    const readings = readingsOf(bytes);
    return readings.some((text) => this.isIn(text, readings.length));
  }

  /** True when one of the names stands in a JSON value, be it split over neighbouring texts. */
  isInValue(value: unknown): boolean {
    return searchTextsOf(value).some((text) => this.isIn(text));
  }
}
