import { ProtegoError } from '@protego/contracts';
import type { ServedHouse } from '../house-keys';
import type { Admission, PersonalDataVault, RawEvent } from '../personal-data';
import { guardedMemoryState } from '../memory/guarded-memory-state';
import { IdleEviction } from '../memory/idle-eviction';
import { overwriteNativeStack } from '../memory/native-stack';
import type { RootCustody } from '../root/root-custody';
import { requireAttester, type Attester } from './attester';
import { CALLS, readRawEvents, writeAdmissions, writeSealings } from './call-codec';
import type { KeeperInspection, ProcessInspection } from './enclave-inspection';
import { FrameWriter, type FrameReader } from './frame-bytes';
import { readRecords, readTexts, writeAnswers } from './search-codec';

/** What differs between the process that keeps the vault and its replicas. */
export interface ServiceRole {
  readonly kind: ProcessInspection['role'];
  /** Changes of the vault that this process knows of. */
  readonly changes: number;
  /** Resolves once this process knows of so many changes. */
  knowing(changes: number): Promise<void>;
  admit(inputs: readonly RawEvent[]): Promise<Admission[]>;
  seal: PersonalDataVault['seal'];
  /** Resolves when every process of this enclave has heard of all changes. */
  settled(): Promise<void>;
}

type Answer = (reader: FrameReader, writer: FrameWriter) => Promise<void>;

/**
 * Answers the calls of the process that started the enclave. Every call says how many changes of the vault the caller has
 * heard of, every answer how many this process has: whoever was known in an answered call is known in all calls after it,
 * whichever process they go to.
 */
export class EnclaveService {
  readonly #answers: Readonly<Record<number, Answer>>;

  readonly #idle: IdleEviction;
  #callsServed = 0;
  #callsFailed = 0;

  /** @param keeper what only the process that keeps the vault has; `attester` when the enclave runs on a platform */
  constructor(
    private readonly house: ServedHouse,
    private readonly role: ServiceRole,
    private readonly keeper?: { readonly attester: Attester | undefined; readonly root: RootCustody },
  ) {
    const { vault } = house;
    this.#idle = new IdleEviction(() => vault.evictKeys(), warn);
    this.#answers = {
      [CALLS.admit]: async (reader, writer) => writeAdmissions(writer, await role.admit(readRawEvents(reader))),
      [CALLS.seal]: async (reader, writer) =>
        writeSealings(writer, await role.seal(reader.json() as Parameters<PersonalDataVault['seal']>[0])),
      [CALLS.flush]: () => vault.flush(),
      [CALLS.openFields]: async (reader, writer) => this.#openFields(reader, writer),
      [CALLS.slotKeys]: async (reader, writer) => {
        for (const keys of await vault.slotKeys(sealedParts(reader))) {
          writer.u32(keys.length);
          for (const { slot, key } of keys) {
            writer.u32(slot);
            writer.bytes(key);
            key.fill(0);
          }
        }
      },
      [CALLS.sealText]: async (reader, writer) =>
        writer.bytes(await vault.sealText(reader.bytes(), reader.text(), reader.f64())),
      [CALLS.openText]: async (reader, writer) => {
        const text = await vault.openText(reader.bytes());
        writer.u8(text === undefined ? 0 : 1);
        if (text === undefined) return;
        writer.bytes(text);
        text.fill(0);
      },
      ...searchAnswers(vault),
      [CALLS.find]: async (reader, writer) => writer.json((await vault.find(reader.text())) ?? null),
      [CALLS.tokensOf]: async (reader, writer) => writer.json(await vault.tokensOf(reader.text())),
      [CALLS.namesakesOf]: async (reader, writer) => writer.json(await vault.namesakesOf(reader.json() as string[])),
      [CALLS.destroy]: async (reader, writer) => {
        writer.u32(await vault.destroy(reader.json() as string[]));
        // What is destroyed must be gone from the memory of every process.
        await role.settled();
      },
      [CALLS.sign]: async (reader, writer) => writer.bytes(await house.keys.signer.sign(reader.bytes())),
      [CALLS.rotateDataKey]: async (_, writer) => {
        const dataKeyId = await house.rotateDataKey();
        writer.u32(dataKeyId);
        writer.bytes(house.keys.dataKey(dataKeyId));
      },
      [CALLS.dataKeys]: async (reader, writer) => this.#newDataKeys(reader.u32(), writer),
      [CALLS.quote]: async (reader, writer) =>
        writer.text(await requireAttester(this.keeper?.attester).quote(Buffer.from(reader.bytes()))),
      [CALLS.inspect]: async (_, writer) => writer.json(this.#inspect()),
    };
    // To open the vault, every key was read: nobody may call for a long time.
    this.touch();
  }

  /**
   * Answers one call.
   *
   * @throws ProtegoError `ENCLAVE_CALL_INVALID` for an operation or fields that are none; what the operation throws
   */
  async answer(operation: number, reader: FrameReader): Promise<FrameWriter> {
    this.#callsServed++;
    try {
      return await this.#answer(operation, reader);
    } catch (error) {
      this.#callsFailed++;
      throw error;
    } finally {
      this.touch();
    }
  }

  /** Notes that keys were used: what is left of them on the stack goes now, and they are encrypted in memory once none was used for a while. */
  touch(): void {
    overwriteNativeStack();
    this.#idle.touch();
  }

  close(): void {
    this.#idle.close();
  }

  async #answer(operation: number, reader: FrameReader): Promise<FrameWriter> {
    const answer = this.#answers[operation];
    if (answer === undefined) throw new ProtegoError('ENCLAVE_CALL_INVALID', `there is no call \`${operation}\``);
    await this.role.knowing(reader.u32());
    const writer = new FrameWriter();
    // Filled in at the end: the call itself may change the vault.
    writer.u32(0);
    await answer(reader, writer);
    if (!reader.isAtEnd) throw new ProtegoError('ENCLAVE_CALL_INVALID', `call \`${operation}\` has fields too many`);
    writer.end().writeUInt32BE(this.role.changes, 0);
    return writer;
  }

  #inspect(): ProcessInspection | KeeperInspection {
    const process = this.#inspectProcess();
    if (this.keeper === undefined) return process;
    const { attester, root } = this.keeper;
    return { ...process, identity: attester?.facts ?? null, root, vault: this.house.vault.use };
  }

  #inspectProcess(): ProcessInspection {
    return {
      role: this.role.kind,
      pid: process.pid,
      uptimeMs: Math.round(1_000 * process.uptime()),
      callsServed: this.#callsServed,
      callsFailed: this.#callsFailed,
      changes: this.role.changes,
      guardedMemory: guardedMemoryState(),
      keyMemory: this.house.vault.memoryImage,
    };
  }

  /** Data keys beyond a number, each with its own. */
  async #newDataKeys(known: number, writer: FrameWriter): Promise<void> {
    const { keys } = this.house;
    await keys.refresh();
    const ids = keys.dataKeyIds.filter((id) => id > known);
    writer.u32(ids.length);
    for (const id of ids) {
      writer.u32(id);
      writer.bytes(keys.dataKey(id));
    }
  }

  #openFields(reader: FrameReader, writer: FrameWriter): void {
    const scope = reader.u8() === 0 ? 'staff-and-text' : 'all';
    for (const { isAllOpen, fields } of this.house.vault.openFields(sealedParts(reader), scope)) {
      writer.u8(isAllOpen ? 1 : 0);
      writer.json(fields);
    }
  }
}

/** What is opened for these stays in this process. */
function searchAnswers(vault: PersonalDataVault): Readonly<Record<number, Answer>> {
  return {
    [CALLS.eventsNaming]: async (reader, writer) =>
      writeAnswers(writer, await vault.eventsNaming(readRecords(reader), reader.json() as string[])),
    [CALLS.textsNaming]: async (reader, writer) => {
      const { sealed, form } = readTexts(reader);
      writeAnswers(writer, await vault.textsNaming(sealed, reader.json() as string[], form));
    },
    [CALLS.namesBehind]: async (reader, writer) =>
      writer.json(await vault.namesBehind(readRecords(reader), reader.json() as string[])),
    [CALLS.hiddenTokens]: async (reader, writer) =>
      writer.json(await vault.hiddenTokens(readRecords(reader), reader.json() as string[])),
  };
}

function warn(message: string): void {
  process.stderr.write(`enclave: ${message}\n`);
}

function sealedParts(reader: FrameReader): Buffer[] {
  return Array.from({ length: reader.count(4) }, () => reader.bytes());
}
