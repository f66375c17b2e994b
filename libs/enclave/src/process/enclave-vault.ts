import { ProtegoError, type OpenedEvent, type ProtegoEvent } from '@protego/contracts';
import { NOTHING_SEALED, applyOpened, type OpenedFields, type OpeningScope } from '../opened-fields';
import { requireSearchable } from '../name-search';
import {
  NAMES_MAX,
  type Admission,
  type PersonRef,
  type PersonalDataVault,
  type RawEvent,
  type SealedTextForm,
  type Sealing,
  type SlotKey,
  type StoredFields,
} from '../personal-data';
import type { CallChannel } from './call-channel';
import { BATCH_EVENTS_MAX, CALLS, readAdmissions, readSealings, writeRawEvents, type Call } from './call-codec';
import {
  inspectionOf,
  type EnclaveInspection,
  type KeeperInspection,
  type ProcessInspection,
} from './enclave-inspection';
import { FrameWriter, type FrameReader } from './frame-bytes';
import { piecesOf, readAnswers, writeRecords, writeTexts, type RecordText } from './search-codec';

const RAW_EVENT_FIELDS_BYTES = 96;
const DATA_KEY_FIELDS_BYTES = 8;

/**
 * The vault behind the border: every call goes to a process of the enclave. What only reads or seals goes to the one with
 * the least to do, what changes the vault to its keeper, the first.
 */
export class EnclaveVault implements PersonalDataVault {
  /** Changes of the vault that any answer has told of. */
  #changes = 0;
  readonly #loads: number[];
  /** What makes keys and has no answer yet. */
  readonly #sealing = new Set<Promise<unknown>>();
  /** Resolves when no key is being destroyed. */
  #destroyed: Promise<unknown> = Promise.resolve();

  /**
   * @param channels that of the keeper first
   * @param ended ends the processes and waits for it
   */
  constructor(
    private readonly channels: readonly CallChannel[],
    private readonly ended: () => Promise<void>,
  ) {
    this.#loads = channels.map(() => 0);
  }

  async admit(inputs: readonly RawEvent[]): Promise<Admission[]> {
    requireBatch(inputs.length);
    const bytes = inputs.reduce((sum, input) => sum + input.bytes.length + RAW_EVENT_FIELDS_BYTES, 64);
    const writer = this.#begin(bytes);
    writeRawEvents(writer, inputs);
    return readAdmissions(await this.#sealed(CALLS.admit, writer));
  }

  async seal(events: readonly ProtegoEvent[]): Promise<Sealing[]> {
    requireBatch(events.length);
    const writer = this.#begin();
    writer.json(events);
    return readSealings(await this.#sealed(CALLS.seal, writer));
  }

  async flush(): Promise<void> {
    await this.#call(CALLS.flush, this.#begin());
  }

  openForPipeline(records: readonly StoredFields[]): Promise<OpenedEvent[]> {
    return this.#open(records, 'staff-and-text');
  }

  openFieldsForPipeline(sealed: readonly Uint8Array[]): Promise<OpenedFields[]> {
    return this.#openFields(sealed, 'staff-and-text');
  }

  reveal(records: readonly StoredFields[]): Promise<OpenedEvent[]> {
    return this.#open(records, 'all');
  }

  async slotKeys(sealed: readonly Uint8Array[]): Promise<SlotKey[][]> {
    const reader = await this.#callAny(CALLS.slotKeys, this.#withParts(this.#begin(), sealed));
    return sealed.map(() => {
      const keys = Array.from({ length: reader.count(8) }, () => ({
        slot: reader.u32(),
        // Not a copy: whoever wipes the key wipes it in the answer, too.
        key: reader.bytes(),
      }));
      return keys;
    });
  }

  async sealText(text: Uint8Array, source: string, timeMs: number): Promise<Buffer> {
    const writer = this.#begin();
    writer.bytes(text);
    writer.text(source);
    writer.f64(timeMs);
    return (await this.#call(CALLS.sealText, writer)).bytes();
  }

  async openText(sealed: Uint8Array): Promise<Buffer | undefined> {
    const writer = this.#begin();
    writer.bytes(sealed);
    const reader = await this.#callAny(CALLS.openText, writer);
    return reader.u8() === 0 ? undefined : reader.bytes();
  }

  eventsNaming(records: readonly StoredFields[], names: readonly string[]): Promise<boolean[]> {
    return this.#naming(recordPiecesOf(records), names, CALLS.eventsNaming, writeRecords);
  }

  textsNaming(
    sealed: readonly Uint8Array[],
    names: readonly string[],
    form: SealedTextForm = 'bytes',
  ): Promise<boolean[]> {
    const pieces = piecesOf(sealed, ({ length }) => length);
    return this.#naming(pieces, names, CALLS.textsNaming, (writer, piece) => writeTexts(writer, piece, form));
  }

  async namesBehind(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[]> {
    const names = new Set<string>();
    for (const piece of recordPiecesOf(records)) {
      const more = (await this.#askOf(CALLS.namesBehind, piece, tokens)) as string[];
      for (const name of more) if (names.size < NAMES_MAX) names.add(name);
    }
    return [...names];
  }

  async hiddenTokens(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[][]> {
    const hidden: string[][] = [];
    for (const piece of recordPiecesOf(records))
      hidden.push(...((await this.#askOf(CALLS.hiddenTokens, piece, tokens)) as string[][]));
    return hidden;
  }

  async find(subject: string): Promise<PersonRef | undefined> {
    return ((await this.#ask(CALLS.find, subject)) as PersonRef | null) ?? undefined;
  }

  async tokensOf(subject: string): Promise<string[]> {
    return (await this.#ask(CALLS.tokensOf, subject)) as string[];
  }

  async namesakesOf(names: readonly string[]): Promise<string[]> {
    await this.#settled();
    const writer = this.#begin();
    writer.json(names);
    return (await this.#call(CALLS.namesakesOf, writer)).json() as string[];
  }

  async destroy(keyIds: readonly string[]): Promise<number> {
    const destroyed = this.#settled().then(() => {
      const writer = this.#begin();
      writer.json(keyIds);
      return this.#call(CALLS.destroy, writer);
    });
    this.#destroyed = destroyed.catch(() => undefined);
    return (await destroyed).u32();
  }

  /** Signature with the key of the log. */
  async sign(message: Buffer): Promise<Buffer> {
    const writer = this.#begin();
    writer.bytes(message);
    return Buffer.from((await this.#call(CALLS.sign, writer)).bytes());
  }

  /** Makes a new data key. */
  async rotateDataKey(): Promise<{ readonly dataKeyId: number; readonly key: Buffer }> {
    const reader = await this.#call(CALLS.rotateDataKey, this.#begin());
    return { dataKeyId: reader.u32(), key: Buffer.from(reader.bytes()) };
  }

  /** A quote of the enclave that answers a verifier's nonce. */
  async quote(nonce: Buffer): Promise<string> {
    const writer = this.#begin();
    writer.bytes(nonce);
    return (await this.#call(CALLS.quote, writer)).text();
  }

  /** What each process of the enclave tells of itself, and the keeper of all. */
  async inspect(): Promise<EnclaveInspection> {
    const told = await Promise.all(
      this.channels.map(async (_, process) => (await this.#call(CALLS.inspect, this.#begin(), process)).json()),
    );
    const [keeper, ...replicas] = told as [KeeperInspection, ...ProcessInspection[]];
    return inspectionOf(keeper, replicas);
  }

  /** Data keys beyond a number that others have made since. */
  async dataKeysAfter(dataKeyId: number): Promise<{ readonly dataKeyId: number; readonly key: Buffer }[]> {
    const writer = this.#begin();
    writer.u32(dataKeyId);
    const reader = await this.#call(CALLS.dataKeys, writer);
    return Array.from({ length: reader.count(DATA_KEY_FIELDS_BYTES) }, () => ({
      dataKeyId: reader.u32(),
      key: Buffer.from(reader.bytes()),
    }));
  }

  /** Ends the processes; the keeper marks the vault first. */
  async close(): Promise<void> {
    try {
      await this.channels[0]?.call(CALLS.close, new FrameWriter());
    } finally {
      await this.ended();
    }
  }

  async #open(records: readonly StoredFields[], scope: OpeningScope): Promise<OpenedEvent[]> {
    const opened = await this.#openFields(
      records.map(({ sealed }) => sealed),
      scope,
    );
    return records.map(({ event, sealed }, i) => {
      if (sealed.length === 0) return { event, pseudonyms: new Map(), erased: [] };
      return applyOpened(event, opened[i] as OpenedFields, scope);
    });
  }

  async #openFields(sealed: readonly Uint8Array[], scope: OpeningScope): Promise<OpenedFields[]> {
    const parts = sealed.filter(({ length }) => length > 0);
    if (parts.length === 0) return sealed.map(() => NOTHING_SEALED);
    const writer = this.#begin();
    writer.u8(scope === 'all' ? 1 : 0);
    const reader = await this.#callAny(CALLS.openFields, this.#withParts(writer, parts));
    return sealed.map(({ length }) => {
      if (length === 0) return NOTHING_SEALED;
      return { isAllOpen: reader.u8() === 1, fields: reader.json() as OpenedFields['fields'] };
    });
  }

  /** One answer for each item: whether any of the names stands in it. */
  async #naming<T>(
    pieces: readonly (readonly T[])[],
    names: readonly string[],
    call: Call,
    write: (writer: FrameWriter, piece: readonly T[]) => void,
  ): Promise<boolean[]> {
    requireSearchable(names);
    const someNames = piecesOf(names, ({ length }) => length);
    const answers: boolean[] = [];
    for (const piece of pieces) {
      let named = piece.map(() => false);
      // Names may be long. Without any, the call still finds out what was altered.
      for (const some of someNames.length === 0 ? [[]] : someNames) {
        const writer = this.#begin();
        write(writer, piece);
        writer.json(some);
        const more = readAnswers(await this.#callAny(call, writer), piece.length);
        named = named.map((isNamed, i) => isNamed || (more[i] as boolean));
      }
      answers.push(...named);
    }
    return answers;
  }

  async #askOf(call: Call, records: readonly RecordText[], tokens: readonly string[]): Promise<unknown> {
    const writer = this.#begin();
    writeRecords(writer, records);
    writer.json(tokens);
    return (await this.#callAny(call, writer)).json();
  }

  async #ask(call: Call, subject: string): Promise<unknown> {
    await this.#settled();
    const writer = this.#begin();
    writer.text(subject);
    return (await this.#call(call, writer)).json();
  }

  /** Resolves when what was asked for before is done: it may be with another process. */
  async #settled(): Promise<void> {
    await Promise.allSettled([...this.#sealing, this.#destroyed]);
  }

  async #sealed(call: Call, writer: FrameWriter): Promise<FrameReader> {
    const answered = this.#destroyed.then(() => this.#callAny(call, writer));
    this.#sealing.add(answered);
    try {
      return await answered;
    } finally {
      this.#sealing.delete(answered);
    }
  }

  #withParts(writer: FrameWriter, sealed: readonly Uint8Array[]): FrameWriter {
    writer.u32(sealed.length);
    for (const part of sealed) writer.bytes(part);
    return writer;
  }

  #begin(bytes?: number): FrameWriter {
    const writer = new FrameWriter(bytes);
    // Filled in when it is sent.
    writer.u32(0);
    return writer;
  }

  async #call(call: Call, writer: FrameWriter, process = 0): Promise<FrameReader> {
    const bytes = writer.end().length;
    writer.end().writeUInt32BE(this.#changes, 0);
    this.#loads[process] = (this.#loads[process] as number) + bytes;
    try {
      const reader = await (this.channels[process] as CallChannel).call(call, writer);
      this.#changes = Math.max(this.#changes, reader.u32());
      return reader;
    } finally {
      this.#loads[process] = (this.#loads[process] as number) - bytes;
    }
  }

  #callAny(call: Call, writer: FrameWriter): Promise<FrameReader> {
    let least = 0;
    this.#loads.forEach((load, process) => {
      if (load < (this.#loads[least] as number)) least = process;
    });
    return this.#call(call, writer, least);
  }
}

function recordPiecesOf(records: readonly StoredFields[]): RecordText[][] {
  const texts = records.map(({ event, sealed }) => ({ event: JSON.stringify(event), sealed }));
  return piecesOf(texts, ({ event, sealed }) => event.length + sealed.length);
}

function requireBatch(events: number): void {
  if (events <= BATCH_EVENTS_MAX) return;
  throw new ProtegoError('ENCLAVE_CALL_INVALID', `a batch of ${events} is too large`, { countMax: BATCH_EVENTS_MAX });
}
