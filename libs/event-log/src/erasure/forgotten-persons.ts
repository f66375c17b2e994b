import { isPersonToken, type EventSeq, type ProtegoEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { EventLogReader } from '../reader/reader';
import { erasuresIn } from './erasure-events';

/** Most persons who were sent again that are kept in mind; further ones wait for the next start. */
const RETURNED_MAX = 65_536;
/** Records of a person that are compared with an event. */
const COMPARED_RECORDS_MAX = 10_000;

/** What is needed to forget somebody again. */
export interface ForgettingAgain {
  readonly vault: Pick<PersonalDataVault, 'find' | 'destroy'>;
  /** True while no event is on its way into the log: none may be sealed under a key that is about to go. */
  isQuiet(): boolean;
  /** Records that the log has been given. */
  logSize(): number;
}

/**
 * The persons whom a log has forgotten. A bus may deliver an event again that the log has had since before its person was
 * forgotten. It cannot be told from one with other content any more, because the hash of its content went with the person's
 * key; and to seal it made a new key. Such an event is a repeat, and the new key goes again unless the log has got something
 * new of the person.
 */
export class ForgottenPersons {
  /** By token, the seq of the last erasure. */
  readonly #erasedAt = new Map<string, EventSeq>();
  readonly #returned = new Set<string>();
  #through = -1;

  constructor(private readonly reader: EventLogReader) {}

  /** True while somebody was sent again whose key may have to go. */
  get hasReturned(): boolean {
    return this.#returned.size > 0;
  }

  /**
   * Whether an event whose id is known repeats a record of before one of its persons was forgotten.
   *
   * @param subjects under which the event would be found, tokens of persons among them
   */
  isRepeat(source: string, id: string, subjects: readonly string[]): boolean {
    const tokens = subjects.filter(isPersonToken);
    if (tokens.length === 0) return false;
    this.#learn();
    const repeated = tokens.filter((token) => this.#isRecorded(token, source, id));
    for (const token of repeated) if (this.#returned.size < RETURNED_MAX) this.#returned.add(token);
    return repeated.length > 0;
  }

  /** Destroys the keys of those who were sent again and of whom the log has got nothing new; resolves with how many keys that were. */
  async forgetAgain({ vault, isQuiet, logSize }: ForgettingAgain): Promise<number> {
    let destroyed = 0;
    for (const token of [...this.#returned]) {
      if (!isQuiet()) return destroyed;
      const size = logSize();
      const person = await vault.find(token);
      const own = (person?.aliases ?? []).filter((alias) => person?.shared.includes(alias) !== true);
      const isNew = [token, ...own].some((each) => this.#isInLaterRecord(token, each));
      // Nothing may come in between: from here on the vault seals only after the keys are gone.
      if (!isQuiet() || logSize() !== size) return destroyed;
      this.#returned.delete(token);
      if (person !== undefined && !isNew) destroyed += await vault.destroy(person.keyIds);
    }
    return destroyed;
  }

  #learn(): void {
    for (const { person, aliases = [], seq } of erasuresIn(this.reader, this.#through + 1)) {
      for (const token of [person, ...aliases]) this.#erasedAt.set(token, seq);
      this.#through = seq;
    }
  }

  #isRecorded(token: string, source: string, id: string): boolean {
    const erasedAt = this.#erasedAt.get(token);
    if (erasedAt === undefined) return false;
    let compared = 0;
    const before = { subjects: [token], toSeq: erasedAt, direction: 'backwards' } as const;
    for (const { body } of this.reader.query(before)) {
      const event = JSON.parse(body.toString('utf8')) as ProtegoEvent;
      if (event.id === id && event.source === source) return true;
      if (++compared === COMPARED_RECORDS_MAX) return false;
    }
    return false;
  }

  /**
   * Whether the log has got something of a person, by one of the person's tokens, since the person was forgotten. What the
   * engine writes itself, such as a detection or a mute, holds the token and nothing of the person.
   */
  #isInLaterRecord(person: string, token: string): boolean {
    const fromSeq = (this.#erasedAt.get(person) ?? -1) + 1;
    for (const { type } of this.reader.query({ subjects: [token], fromSeq })) if (!isOwn(type)) return true;
    return false;
  }
}

function isOwn(type: string): boolean {
  return /^(log|detection|pipeline)\./.test(type);
}
