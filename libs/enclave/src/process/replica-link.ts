import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { ProtegoError } from '@protego/contracts';
import type { FileVault } from '../file-vault';
import { freeSecrets, type HouseSecrets } from '../house-keys';
import { GuardedBytes } from '../memory/guarded-memory';
import type { Admission, PersonalDataVault, RawEvent, Sealing } from '../personal-data';
import { CallChannel } from './call-channel';
import {
  readAdmissions,
  readRawEvents,
  readSealings,
  writeAdmissions,
  writeRawEvents,
  writeSealings,
} from './call-codec';
import { FrameWriter, type FrameReader } from './frame-bytes';
import { overwritingFreedMemory } from './freed-memory';
import { FrameChannel, type FrameListener } from './frame-channel';

/** Calls between the process that keeps the vault and a replica. */
export const LINK_CALLS = { open: 1, changes: 2, admit: 3, seal: 4, measure: 5 } as const;
/** Socket of a replica to the keeper. */
const KEEPER_FD = 4;
const SLOT_FIELDS_BYTES = 8;
const SECRET_BYTES = 32;

/** What a replica needs to read the vault. */
export interface ReplicaSecrets extends HouseSecrets {
  /** Options of the enclave, as its starter gave them. */
  readonly options: string;
}

/** How replicas are started. */
export interface ReplicaLaunch {
  /** Script of an enclave process. */
  readonly entry: string;
  /** Flags of Node. */
  readonly nodeFlags: readonly string[];
  /** Sockets to the enclave's starter, one each; closed once they are passed on. */
  readonly descriptors: readonly number[];
  /** What each has to be before it gets a secret, 32 bytes; undefined for an enclave that is not measured. */
  readonly measurement?: Buffer;
}

/** What the keeper does for its replicas. */
export interface KeeperWork {
  admit(inputs: readonly RawEvent[]): Promise<Admission[]>;
  seal: PersonalDataVault['seal'];
  /** Told after each piece of work: keys were used. */
  onDone(): void;
}

interface Change {
  readonly number: number;
  readonly bytes: Buffer;
}

/** The replicas of an enclave, as the process that keeps the vault has them. */
export class Replicas {
  readonly #channels: CallChannel[] = [];
  #changes = 0;
  #unsent: Change[] = [];
  /** Settles when all changes that were sent have been heard of. */
  #heard: Promise<unknown> = Promise.resolve();

  /** Changes of the vault so far. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Starts replicas; each gets the socket to the enclave's starter that this process has for it.
   *
   * @throws ProtegoError `ENCLAVE_REPLICA_REFUSED` when one has another measurement
   */
  async start(
    { entry, nodeFlags, descriptors, measurement }: ReplicaLaunch,
    secrets: ReplicaSecrets,
    work: KeeperWork,
    onLost: (error: Error | undefined) => void,
  ): Promise<void> {
    for (const fd of descriptors) {
      const stdio = ['ignore', 'ignore', 2, fd, 'pipe'] as const;
      const child = spawn(process.execPath, [...nodeFlags, entry, 'replica'], {
        stdio: [...stdio],
        env: overwritingFreedMemory({}),
      });
      closeSync(fd);
      const answer = (call: number, reader: FrameReader): Promise<FrameWriter> => this.#answer(call, reader, work);
      const socket = child.stdio[KEEPER_FD] as Socket;
      const channel = new CallChannel((listener) => FrameChannel.overSocket(socket, listener), {
        answer,
        onEnd: onLost,
      });
      this.#channels.push(channel);
    }
    await Promise.all(
      this.#channels.map(async (channel) => {
        if (measurement !== undefined) await mustMeasure(channel, secrets.options, measurement);
        const writer = new FrameWriter();
        writer.bytes(secrets.root.bytes);
        writer.bytes(secrets.pseudonymKey.bytes);
        writer.text(secrets.options);
        await channel.call(LINK_CALLS.open, writer);
      }),
    );
  }

  /** Notes a change; it is sent before anything that was asked for afterwards is answered. */
  note(bytes: Buffer, number: number): void {
    this.#changes++;
    if (this.#channels.length > 0) this.#unsent.push({ bytes, number });
  }

  /** Sends what was noted. */
  tell(): void {
    if (this.#unsent.length === 0) return;
    const changes = this.#unsent;
    this.#unsent = [];
    const heard = this.#channels.map((channel) => {
      const writer = new FrameWriter();
      writer.u32(this.#changes);
      writer.u32(changes.length);
      for (const { number, bytes } of changes) {
        writer.u32(number);
        writer.bytes(bytes);
      }
      return channel.call(LINK_CALLS.changes, writer);
    });
    this.#heard = Promise.all([this.#heard, ...heard]);
    // Whoever waits for it gets the failure; the end of a replica ends the enclave in any case.
    this.#heard.catch(() => undefined);
  }

  /** Resolves when every replica has heard of all changes. */
  async settled(): Promise<void> {
    this.tell();
    await this.#heard;
  }

  close(): void {
    for (const channel of this.#channels) channel.finish();
  }

  async #answer(call: number, reader: FrameReader, work: KeeperWork): Promise<FrameWriter> {
    const writer = new FrameWriter();
    try {
      if (call === LINK_CALLS.admit) writeAdmissions(writer, await work.admit(readRawEvents(reader)));
      else if (call === LINK_CALLS.seal)
        writeSealings(writer, await work.seal(reader.json() as Parameters<PersonalDataVault['seal']>[0]));
      else throw new ProtegoError('ENCLAVE_CALL_INVALID', `there is no call \`${call}\` between enclave processes`);
    } finally {
      work.onDone();
    }
    // On one channel the changes come before the answer, so that the replica knows the keys that were made for it.
    this.tell();
    return writer;
  }
}

async function mustMeasure(channel: CallChannel, options: string, measurement: Buffer): Promise<void> {
  const writer = new FrameWriter();
  writer.text(options);
  const measured = (await channel.call(LINK_CALLS.measure, writer)).bytes();
  if (measured.equals(measurement)) return;
  const [keeper, replica] = [measurement, measured].map((each) => each.toString('hex'));
  const message = 'a process of the enclave has another measurement than the one that keeps the vault';
  throw new ProtegoError('ENCLAVE_REPLICA_REFUSED', message, { keeper, replica });
}

type OpenVault = Pick<FileVault, 'applyChange'>;

/** What a replica does when its keeper asks or tells. */
export interface KeeperListener {
  /** Opens the vault of the replica with what the keeper sends, which is freed afterwards; changes that come meanwhile are kept for it. */
  onOpen(secrets: ReplicaSecrets): Promise<OpenVault>;
  /** Changes of the vault were taken over. */
  onChanged(): void;
  /** A change cannot be taken over: this process knows the vault no longer, and must end. */
  onFault(error: unknown): void;
  /** The keeper is gone. */
  onEnd(): void;
  /** Measures this process as it was started with these options. */
  onMeasure(options: string): Promise<Buffer>;
}

/** The keeper of the vault, as a replica has it. */
export class KeeperLink {
  readonly #channel: CallChannel;
  readonly #waiting: { readonly changes: number; readonly resolve: () => void }[] = [];
  #vault: OpenVault | undefined;
  #changes = 0;
  #early: { readonly changes: number; readonly list: readonly Change[] }[] = [];

  /** @param connect makes the channel to the keeper */
  constructor(
    private readonly listener: KeeperListener,
    connect = (frames: FrameListener): FrameChannel => FrameChannel.overDescriptor(KEEPER_FD, frames),
  ) {
    this.#channel = new CallChannel(connect, {
      answer: async (call, reader) => {
        const writer = new FrameWriter();
        if (call === LINK_CALLS.measure) writer.bytes(await listener.onMeasure(reader.text()));
        else if (call === LINK_CALLS.open) await this.#open(reader);
        else if (call === LINK_CALLS.changes) this.#take(reader);
        else throw new ProtegoError('ENCLAVE_CALL_INVALID', `there is no call \`${call}\` between enclave processes`);
        return writer;
      },
      onEnd: () => listener.onEnd(),
    });
  }

  /** Changes of the vault that this process has heard of. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves once this process has heard of so many changes. */
  async knowing(changes: number): Promise<void> {
    if (changes <= this.#changes) return;
    await new Promise<void>((resolve) => this.#waiting.push({ changes, resolve }));
  }

  /** Has the keeper take messages in that need keys which do not exist yet. */
  async admit(inputs: readonly RawEvent[]): Promise<Admission[]> {
    const writer = new FrameWriter();
    writeRawEvents(writer, inputs);
    return readAdmissions(await this.#channel.call(LINK_CALLS.admit, writer));
  }

  /** Has the keeper seal events that need keys which do not exist yet. */
  async seal(events: Parameters<PersonalDataVault['seal']>[0]): Promise<Sealing[]> {
    const writer = new FrameWriter();
    writer.json(events);
    return readSealings(await this.#channel.call(LINK_CALLS.seal, writer));
  }

  async #open(reader: FrameReader): Promise<void> {
    const secrets = { root: takeSecret(reader), pseudonymKey: takeSecret(reader) };
    let vault: OpenVault;
    try {
      vault = await this.listener.onOpen({ ...secrets, options: reader.text() });
    } finally {
      freeSecrets(secrets);
    }
    this.#vault = vault;
    for (const { changes, list } of this.#early) this.#apply(vault, changes, list);
    this.#early = [];
  }

  #take(reader: FrameReader): void {
    const changes = reader.u32();
    const list = Array.from({ length: reader.count(SLOT_FIELDS_BYTES) }, () => ({
      number: reader.u32(),
      bytes: Buffer.from(reader.bytes()),
    }));
    if (this.#vault === undefined) this.#early.push({ changes, list });
    else this.#apply(this.#vault, changes, list);
  }

  #apply(vault: OpenVault, changes: number, list: readonly Change[]): void {
    try {
      for (const { number, bytes } of list) vault.applyChange(bytes, number);
    } catch (error) {
      this.listener.onFault(error);
      throw error;
    }
    this.listener.onChanged();
    this.#changes = changes;
    for (const each of this.#waiting.splice(0)) {
      if (each.changes <= changes) each.resolve();
      else this.#waiting.push(each);
    }
  }
}

/** Moves a secret out of a frame, which itself is wiped only once the vault was opened. */
function takeSecret(reader: FrameReader): GuardedBytes {
  const bytes = reader.bytes();
  if (bytes.length === SECRET_BYTES) return GuardedBytes.take(bytes);
  throw new ProtegoError('ENCLAVE_CALL_INVALID', `a secret has ${bytes.length} bytes, not ${SECRET_BYTES}`);
}
