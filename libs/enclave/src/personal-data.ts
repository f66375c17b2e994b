import type { OpenedEvent, ProtegoEvent } from '@protego/contracts';

/** An event as the log stores it. */
export interface SealedEvent {
  /** Canonical JSON; personal fields hold tokens or placeholders. */
  readonly body: Buffer;
  /** What was taken out, sealed; empty where there was nothing. */
  readonly sealed: Buffer;
  /** Names under which the record is found: the event's subject, its devices, the tokens of its persons. */
  readonly subjects: readonly string[];
  /** Keyed hash of the event's content, 8 bytes: equal for equal content however often it is sealed. */
  readonly contentHash: Buffer;
  /** Clear text → pseudonym, for what the pipeline sees in clear. */
  readonly pseudonyms: ReadonlyMap<string, string>;
  /** The event as the pipeline sees it: patients tokenised, staff and free text in clear. */
  readonly pipelineEvent: ProtegoEvent;
}

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
}

/** Seals and opens personal fields, and can forget a person. */
export interface PersonalDataVault {
  /**
   * Takes the personal fields out of an event. Keys that it makes are durable after {@link flush}, which must come before
   * the record is acknowledged.
   *
   * @throws ProtegoError `VAULT_FULL`
   */
  seal(event: ProtegoEvent): SealedEvent;
  /** Makes keys that were made since durable. */
  flush(): Promise<void>;
  /** Puts staff and free text back in clear; patients keep their tokens. What cannot be opened is named in `erased`. */
  openForPipeline(event: ProtegoEvent, sealed: Uint8Array): OpenedEvent;
  /** Puts everything back in clear that can be opened. */
  reveal(event: ProtegoEvent, sealed: Uint8Array): OpenedEvent;
  /** Record keys of the slots that can still be opened, for an evidence bundle. */
  slotKeys(sealed: Uint8Array): SlotKey[];
  /** Seals arbitrary bytes from outside, such as a refused message, under the persons found in it (also behind escapes of JSON), else under the key of source and month. */
  sealText(text: Uint8Array, source: string, timeMs: number): Buffer;
  /** Opens what {@link sealText} made; undefined when a key is gone. */
  openText(sealed: Uint8Array): Buffer | undefined;
  /** The person known by an identity, alias or token. */
  find(subject: string): PersonRef | undefined;
  /** Token under which the log's records of a subject are found, whether or not its keys still exist. */
  tokensOf(subject: string): string[];
  /** Tokens of all persons who are known by one of some names, however it is written. */
  namesakesOf(names: readonly string[]): string[];
  /** Destroys keys on the disk and in memory, durably. Keys that are not there are ignored. Returns how many were there. */
  destroy(keyIds: readonly string[]): Promise<number>;
  close(): Promise<void>;
}
