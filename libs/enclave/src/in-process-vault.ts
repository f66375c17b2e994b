import {
  ProtegoError,
  isProtegoError,
  type OpenedEvent,
  type ProtegoEvent,
  type StoredFields,
} from '@protego/contracts';
import { type EventGate } from './admission/event-gate';
import { KnownMessages } from './admission/known-messages';
import { NOTHING_SEALED, type OpenedFields, type OpeningScope } from './opened-fields';
import { type FileVault } from './file-vault';
import type { MemoryImage } from './memory/memory-image';
import {
  type Admission,
  type PersonRef,
  type PersonalDataVault,
  type RawEvent,
  type Sealing,
  type SealedTextForm,
  type SlotKey,
} from './personal-data';
import { SealedSearch } from './sealed-search';
import type { VaultUse } from './vault-use';

/** A vault in this process, over its key directory. Each call does its work before it returns. */
export class InProcessVault implements PersonalDataVault {
  readonly #vault: FileVault;
  readonly #gate: EventGate | undefined;
  readonly #known: KnownMessages;
  readonly #search: SealedSearch;

  /**
   * @param vault closes with this one
   * @param gate decides what {@link admit} lets in; without it nothing is admitted
   */
  constructor(vault: FileVault, gate?: EventGate) {
    this.#vault = vault;
    this.#gate = gate;
    this.#known = new KnownMessages(vault.fields);
    this.#search = new SealedSearch(vault);
  }

  async admit(inputs: readonly RawEvent[]): Promise<Admission[]> {
    const gate = this.#gate;
    if (gate === undefined) {
      const message = 'the keys were opened without `gate`, so that no message can be admitted: name site and sources';
      throw new ProtegoError('INTERNAL', message);
    }
    try {
      return inputs.map((input) => orRefused(() => this.#admitted(gate, input)));
    } finally {
      this.#known.leave();
    }
  }

  async seal(events: readonly ProtegoEvent[]): Promise<Sealing[]> {
    return events.map((event) => orRefused(() => ({ kind: 'sealed', sealed: this.#vault.seal(event) })));
  }

  /** Keys and slots in numbers. */
  get use(): VaultUse {
    return this.#vault.use;
  }

  /** Encrypts all keys in memory: until one is used again, none is there as plaintext. */
  evictKeys(): void {
    this.#vault.evictKeys();
  }

  /** What can be seen of the keys' memory without its own keys. */
  get memoryImage(): MemoryImage {
    return this.#vault.memoryImage;
  }

  flush(): Promise<void> {
    return this.#vault.flush();
  }

  /** What the slots of sealed parts say, as far as their keys exist; one result each, in order. */
  openFields(sealed: readonly Uint8Array[], scope: OpeningScope): OpenedFields[] {
    return sealed.map((each) => this.#vault.openFields(each, scope));
  }

  async openForPipeline(records: readonly StoredFields[]): Promise<OpenedEvent[]> {
    return records.map(({ event, sealed }) => this.#vault.openForPipeline(event, sealed));
  }

  async openFieldsForPipeline(sealed: readonly Uint8Array[]): Promise<OpenedFields[]> {
    return sealed.map((each) => (each.length === 0 ? NOTHING_SEALED : this.#vault.openFields(each, 'staff-and-text')));
  }

  async reveal(records: readonly StoredFields[]): Promise<OpenedEvent[]> {
    return records.map(({ event, sealed }) => this.#vault.reveal(event, sealed));
  }

  async slotKeys(sealed: readonly Uint8Array[]): Promise<SlotKey[][]> {
    return sealed.map((each) => this.#vault.slotKeys(each));
  }

  async sealText(text: Uint8Array, source: string, timeMs: number): Promise<Buffer> {
    return this.#vault.sealText(text, source, timeMs);
  }

  async openText(sealed: Uint8Array): Promise<Buffer | undefined> {
    return this.#vault.openText(sealed);
  }

  async eventsNaming(records: readonly StoredFields[], names: readonly string[]): Promise<boolean[]> {
    return this.#search.eventsNaming(records, names);
  }

  async textsNaming(
    sealed: readonly Uint8Array[],
    names: readonly string[],
    form: SealedTextForm = 'bytes',
  ): Promise<boolean[]> {
    return this.#search.textsNaming(sealed, names, form);
  }

  async namesBehind(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[]> {
    return this.#search.namesBehind(records, tokens);
  }

  async hiddenTokens(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[][]> {
    return this.#search.hiddenTokens(records, tokens);
  }

  async find(subject: string): Promise<PersonRef | undefined> {
    return this.#vault.find(subject);
  }

  async tokensOf(subject: string): Promise<string[]> {
    return this.#vault.tokensOf(subject);
  }

  async namesakesOf(names: readonly string[]): Promise<string[]> {
    return this.#vault.namesakesOf(names);
  }

  destroy(keyIds: readonly string[]): Promise<number> {
    return this.#vault.destroy(keyIds);
  }

  close(): Promise<void> {
    this.#search.close();
    return this.#vault.close();
  }

  #admitted(gate: EventGate, input: RawEvent): Admission {
    const known = this.#admittedAsKnown(gate, input);
    if (known !== undefined) return known;
    const { event, timeMs, carriedMs } = gate.admit(input);
    const { source, id, type } = event;
    const sealed = this.#vault.seal(event);
    this.#known.learn(input.bytes, event);
    return { kind: 'admitted', event: { source, id, type, timeMs, carriedMs, sealed } };
  }

  #admittedAsKnown(gate: EventGate, input: RawEvent): Admission | undefined {
    const message = this.#known.match(input.bytes);
    if (message === undefined) return undefined;
    try {
      const admitted = gate.admitKnown(message, input);
      if (admitted === undefined) return undefined;
      const { source, id, type, timeMs, carriedMs } = admitted;
      // To spread the object and add a member is slow.
      const sealed = this.#vault.sealMessage(message);
      return { kind: 'admitted', event: { source, id, type, timeMs, carriedMs, sealed } };
    } finally {
      message.forget();
    }
  }
}

/** Errors after which no event can be sealed: they are no outcome of one of them. */
const OF_THE_WHOLE_VAULT: ReadonlySet<string> = new Set(['ENCLAVE_MEMORY_FAULT', 'ENCLAVE_LOCKED', 'ENCLAVE_CLOSED']);

/** A fault of ours on one event must not take its neighbours along. */
function orRefused<T>(outcome: () => T): T | { readonly kind: 'refused'; readonly error: ProtegoError } {
  try {
    return outcome();
  } catch (cause) {
    const error = isProtegoError(cause)
      ? cause
      : new ProtegoError('INTERNAL', 'the event could not be checked', {}, { cause });
    if (OF_THE_WHOLE_VAULT.has(error.code)) throw error;
    return { kind: 'refused', error };
  }
}
