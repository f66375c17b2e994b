import { ProtegoError } from '@protego/contracts';
import { readingsOf } from './byte-readings';
import { NameIndex } from './name-index';
import { SEARCHED_NAMES_MAX } from './personal-data';
import { searchTextsOf } from './placeholders';

/** @throws ProtegoError `ENCLAVE_CALL_INVALID` for more names than one search takes */
export function requireSearchable(names: readonly string[]): void {
  if (names.length <= SEARCHED_NAMES_MAX) return;
  const message = `\`${names.length}\` names are too many to look for at one time`;
  throw new ProtegoError('ENCLAVE_CALL_INVALID', message, { countMax: SEARCHED_NAMES_MAX });
}

/** Looks for the names of one person in text, as the vault does when it seals ({@link NameIndex}). */
export class NameSearch {
  private readonly index = new NameIndex<true>();

  /** Names of fewer than three letters and digits are left out: they stand in every text. */
  constructor(readonly names: readonly string[]) {
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

  /**
   * True when one of the names stands in a refused record: in its member `raw`, which is a text, or bytes where `rawEncoding`
   * is `base64` or `latin1`, or in the rest.
   */
  isInRefused({ raw, rawEncoding, ...rest }: Readonly<Record<string, unknown>>): boolean {
    const isBytes = rawEncoding === 'base64' || rawEncoding === 'latin1';
    const isNamed = isBytes ? this.#isInEncoded(String(raw), rawEncoding) : this.isInValue(raw);
    return isNamed || this.isInValue(rest);
  }

  #isInEncoded(raw: string, encoding: 'base64' | 'latin1'): boolean {
    const bytes = Buffer.from(raw, encoding);
    try {
      return this.isInBytes(bytes);
    } finally {
      bytes.fill(0);
    }
  }
}
