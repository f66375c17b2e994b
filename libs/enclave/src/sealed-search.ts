import { ProtegoError, type ProtegoEvent, type StoredFields } from '@protego/contracts';
import type { FileVault } from './file-vault';
import { NameSearch, requireSearchable } from './name-search';
import { NAMES_MAX, type SealedTextForm } from './personal-data';
import { IdleEviction } from './memory/idle-eviction';

/**
 * Looks for names in what a vault can open, where it is open: what is said outside is yes or no, or the names behind given
 * tokens. The last names that were looked for are kept for a second, as a search of a log asks for the same ones many times.
 */
export class SealedSearch {
  readonly #vault: Pick<FileVault, 'reveal' | 'openText'>;
  // An index of names takes megabytes to make.
  #kept: NameSearch | undefined;
  readonly #idle = new IdleEviction(
    () => (this.#kept = undefined),
    () => undefined,
  );

  constructor(vault: Pick<FileVault, 'reveal' | 'openText'>) {
    this.#vault = vault;
  }

  /** As of `PersonalDataVault`. */
  eventsNaming(records: readonly StoredFields[], names: readonly string[]): boolean[] {
    const search = this.#searchOf(names);
    return records.map((record) => search.isInValue(this.#revealed(record)));
  }

  /** As of `PersonalDataVault`. */
  textsNaming(sealed: readonly Uint8Array[], names: readonly string[], form: SealedTextForm): boolean[] {
    const search = this.#searchOf(names);
    return sealed.map((each) => {
      const text = this.#vault.openText(each);
      if (text === undefined) return false;
      try {
        return form === 'bytes' ? search.isInBytes(text) : search.isInRefused(refusedRecordOf(text));
      } finally {
        text.fill(0);
      }
    });
  }

  /** As of `PersonalDataVault`. */
  namesBehind(records: readonly StoredFields[], tokens: readonly string[]): string[] {
    const asked = new Set(tokens);
    const names = new Set<string>();
    for (const record of records) {
      visitTokens(record.event, this.#revealed(record), asked, (token, revealed) => {
        // What is gone already still reads as its token, which is no name.
        const isRevealed = typeof revealed === 'string' && revealed !== token;
        if (isRevealed && names.size < NAMES_MAX) names.add(revealed);
      });
    }
    return [...names];
  }

  /** As of `PersonalDataVault`. */
  hiddenTokens(records: readonly StoredFields[], tokens: readonly string[]): string[][] {
    const asked = new Set(tokens);
    return records.map((record) => {
      const hidden = new Set<string>();
      visitTokens(record.event, this.#revealed(record), asked, (token, revealed) => {
        if (revealed === token) hidden.add(token);
      });
      return [...hidden];
    });
  }

  /** Forgets the names that were looked for. */
  close(): void {
    this.#idle.close();
    this.#kept = undefined;
  }

  #revealed({ event, sealed }: StoredFields): ProtegoEvent {
    return this.#vault.reveal(event, sealed).event;
  }

  #searchOf(names: readonly string[]): NameSearch {
    requireSearchable(names);
    const kept = this.#kept;
    const isKept = kept?.names.length === names.length && kept.names.every((name, i) => name === names[i]);
    const search = isKept ? kept : new NameSearch([...names]);
    this.#kept = search;
    this.#idle.touch();
    return search;
  }
}

/** Visits the places where a stored event has one of the tokens, with what stands there in the opened event. */
function visitTokens(
  stored: unknown,
  revealed: unknown,
  tokens: ReadonlySet<string>,
  visit: (token: string, revealed: unknown) => void,
): void {
  if (typeof stored === 'string') {
    if (tokens.has(stored)) visit(stored, revealed);
  } else if (typeof stored === 'object' && stored !== null) {
    const members = revealed as Readonly<Record<string, unknown>> | null | undefined;
    for (const [key, value] of Object.entries(stored)) visitTokens(value, members?.[key], tokens, visit);
  }
}

function refusedRecordOf(text: Buffer): Readonly<Record<string, unknown>> {
  let record: unknown;
  try {
    record = JSON.parse(text.toString('utf8'));
  } catch {
    // The parser's message would quote the text.
  }
  if (typeof record === 'object' && record !== null) return record as Record<string, unknown>;
  throw new ProtegoError('LOG_BLOCK_CORRUPT', 'a sealed text is no refused record');
}
