import type { EncodedTexts, OpenedEvent, ProtegoError, ProtegoEvent, StoredFields } from '@protego/contracts';

import type { SlotKind } from './sealed-part';
import type { OpenedFields } from './opened-fields';

export type { StoredFields } from '@protego/contracts';

/** Most names that {@link PersonalDataVault.namesBehind} gives, and that are looked for in texts, in all spellings that stand in fields. */
export const NAMES_MAX = 4_096;
/** Most names of one search: those, and what was asked for. */
export const SEARCHED_NAMES_MAX = NAMES_MAX + 1;

/** What a sealed text is read as: bytes of unknown kind, or a record that an import refused, as JSON (`NameSearch.isInRefused`). */
export type SealedTextForm = 'bytes' | 'refused-record';

/** The plaintext of one sealed slot that the pipeline may see. */
export interface ClearSlot {
  readonly kind: SlotKind;
  /** JSON as it was sealed, with its padding. */
  readonly plaintext: Buffer;
}

/** An event as the log stores it. */
export interface SealedEvent {
  /** Canonical JSON; personal fields hold tokens or placeholders. */
  readonly body: Buffer;
  /** What was taken out, sealed; empty where there was nothing. */
  readonly sealed: Buffer;
  /** Names under which the record is found: the event's subject, its devices, the tokens of its persons. */
  readonly subjects: readonly string[];
  /** The same as `subjects`, where they are at hand so; each reading may make another view. */
  readonly encodedSubjects?: EncodedTexts;
  /** Keyed hash of the event's content, 8 bytes: equal for equal content however often it is sealed. */
  readonly contentHash: Buffer;
  /** Staff and free text in clear, out of which the two members below are made; never stored. */
  readonly clear: readonly ClearSlot[];
  /** Clear text → pseudonym, for what the pipeline sees in clear. May be decoded when it is first read. */
  readonly pseudonyms: ReadonlyMap<string, string>;
  /** The event as the pipeline sees it: patients tokenised, staff and free text in clear. May be decoded when it is first read. */
  readonly pipelineEvent: ProtegoEvent;
}

/** A message as it came in, with what its subject or token says of it. */
export interface RawEvent {
  readonly bytes: Uint8Array;
  /** Source that the subject or the token belongs to. */
  readonly source: string;
  /** Family of the subject; undefined over HTTP, where the token allows all families of its source. */
  readonly family: string | undefined;
}

/** A message that became an event, sealed. */
export interface AdmittedEvent {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  /** Event time, milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Pipeline time that the producer sent and is declared to carry, milliseconds. */
  readonly carriedMs: number | undefined;
  readonly sealed: SealedEvent;
}

/** What became of a message; an error that is not the sender's, such as `VAULT_FULL`, has another origin than `caller`. */
export type Admission =
  | { readonly kind: 'admitted'; readonly event: AdmittedEvent }
  | { readonly kind: 'refused'; readonly error: ProtegoError };

/** What became of an event that was to be sealed. */
export type Sealing =
  | { readonly kind: 'sealed'; readonly sealed: SealedEvent }
  | { readonly kind: 'refused'; readonly error: ProtegoError };

/** The record key of one sealed slot: opens this slot of this record and nothing else. */
export interface SlotKey {
  /** Place of the slot in the record's sealed part, from 0. */
  readonly slot: number;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** A person as the vault knows it. */
export interface PersonRef {
  /** Token that stands for the person in the log. */
  readonly token: string;
  /** Ids of the person's keys, 16 bytes in hex each; none after an erasure. */
  readonly keyIds: readonly string[];
  /** Tokens of the person's other names, also of those that others have, and of other identities. */
  readonly aliases: readonly string[];
  /** Those of `aliases` under which somebody else is known too: they tell nobody from anybody. */
  readonly shared: readonly string[];
}

/**
 * Seals and opens personal fields, and can forget a person. It may live in another process: each call may be a round trip,
 * so many events go in one. Calls are carried out in the order in which they were made. A promise that is rejected means a
 * fault of the whole call, or of the vault; what is wrong with one event or message is an outcome.
 */
export interface PersonalDataVault {
  /**
   * Parses messages, checks that their sources may say what they say, and seals them; one outcome each, in order. Keys are
   * durable as for {@link seal}.
   *
   * @throws ProtegoError `INTERNAL` when the vault was opened without a gate
   */
  admit(inputs: readonly RawEvent[]): Promise<Admission[]>;
  /**
   * Takes the personal fields out of events; one outcome each, in order. Keys that it makes are durable after a
   * {@link flush} that was asked for after it resolved, which must come before the record is acknowledged.
   */
  seal(events: readonly ProtegoEvent[]): Promise<Sealing[]>;
  /** Makes keys that were made since durable. */
  flush(): Promise<void>;
  /**
   * Puts staff and free text back in clear; patients keep their tokens. What cannot be opened is named in `erased`. One
   * result each, in order.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_FORMAT_UNKNOWN` when one of them was altered
   */
  openForPipeline(records: readonly StoredFields[]): Promise<OpenedEvent[]>;
  /**
   * What {@link openForPipeline} would put into events, for whoever holds the events; one result for each sealed part, in order.
   *
   * @throws ProtegoError as {@link openForPipeline}
   */
  openFieldsForPipeline(sealed: readonly Uint8Array[]): Promise<OpenedFields[]>;
  /** Puts everything back in clear that can be opened, for who may see it all; otherwise as {@link openForPipeline}. */
  reveal(records: readonly StoredFields[]): Promise<OpenedEvent[]>;
  /**
   * Record keys of the slots that can still be opened, for an evidence bundle; one list for each sealed part.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_FORMAT_UNKNOWN` when one of them was altered
   */
  slotKeys(sealed: readonly Uint8Array[]): Promise<SlotKey[][]>;
  /**
   * Seals arbitrary bytes from outside, such as a refused message, under the persons found in it (also behind escapes of
   * JSON), else under the key of source and month.
   *
   * @throws ProtegoError `VAULT_FULL`
   */
  sealText(text: Uint8Array, source: string, timeMs: number): Promise<Buffer>;
  /**
   * Opens what {@link sealText} made; undefined when a key is gone.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_FORMAT_UNKNOWN` when it was altered
   */
  openText(sealed: Uint8Array): Promise<Buffer | undefined>;
  /**
   * Whether one of some names stands in an event with all its fields in clear, as far as their keys exist; one result each,
   * in order. What is in clear stays inside: so are the three calls after this one.
   *
   * @param names at most {@link SEARCHED_NAMES_MAX}
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_FORMAT_UNKNOWN` when one of them was altered; `ENCLAVE_CALL_INVALID` for too
   *   many names
   */
  eventsNaming(records: readonly StoredFields[], names: readonly string[]): Promise<boolean[]>;
  /**
   * Whether one of some names stands in what {@link sealText} made; false where a key is gone. Otherwise as
   * {@link eventsNaming}.
   *
   * @param form by default `bytes`
   */
  textsNaming(sealed: readonly Uint8Array[], names: readonly string[], form?: SealedTextForm): Promise<boolean[]>;
  /**
   * The names that stand in clear where stored events have one of some tokens, at most {@link NAMES_MAX}. Errors are those of
   * {@link reveal}.
   */
  namesBehind(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[]>;
  /**
   * Those of some tokens that stand in an event where the key of the field is gone; one result each, in order. Errors are
   * those of {@link reveal}.
   */
  hiddenTokens(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[][]>;
  /**
   * The person known by an identity, else by another name, else by an account without its domain; or by a token of these.
   * With the keys of all accounts that are declared to be the person's and nobody else's.
   *
   * @throws ProtegoError `PERSON_AMBIGUOUS` when a name, and no identity, is that of several persons; `details.tokens` lists them
   */
  find(subject: string): Promise<PersonRef | undefined>;
  /**
   * Tokens under which the log's records of a subject are found, whether or not its keys still exist. First stand those of what
   * was asked, one for each class; where nobody is known by it, then those of the account in it, where it is one with a domain.
   */
  tokensOf(subject: string): Promise<string[]>;
  /** Tokens of all persons who are known by one of some names, however it is written. */
  namesakesOf(names: readonly string[]): Promise<string[]>;
  /** Destroys keys on the disk and in memory, durably. Keys that are not there are ignored. Resolves with how many were there. */
  destroy(keyIds: readonly string[]): Promise<number>;
  close(): Promise<void>;
}
