import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProtegoEvent } from '@protego/contracts';
import { openHouseKeys, type HouseKeys } from '@protego/enclave';
import { EventLogReader, EventLogWriter } from '@protego/event-log';
import { segmentPaths } from '@protego/event-log/testing';

/** Where a log and its keys are. */
export interface LogPlace {
  readonly directory: string;
  readonly keysDirectory: string;
}

/** Of the header of a block. */
export interface BlockKeys {
  readonly firstSeq: number;
  readonly count: number;
  readonly dataKeyId: number;
  readonly salt: string;
  readonly nonce: string;
}

const BLOCK_MAGIC = 0xf550424b;
const BLOCK_FIXED_BYTES = 208 + 16;
const ANY_LOG_ID = Buffer.alloc(16, 1);
const ANY_SALT = Buffer.alloc(32, 2);

/** What a writer acknowledged before it was killed: whatever happened, the log has to keep that. */
export class RotationOracle {
  /** Ids of acknowledged events by seq. */
  readonly #ids = new Map<number, string>();
  /** Seqs of rotations by the number of the key: what was appended later stands under this key or a later one. */
  readonly #rotations = new Map<number, number>();
  /** What the key of each number gives. */
  readonly #derived = new Map<number, string>();
  #dataKeyId = 0;

  /** Number of acknowledged events. */
  get acknowledged(): number {
    return this.#ids.size;
  }

  /** Number of acknowledged rotations. */
  get rotations(): number {
    return this.#rotations.size;
  }

  /** Takes a line of the writer. */
  hear(life: number, line: string): void {
    const [what, ...fields] = line.split(' ');
    const [a = 0, b = 0, c = 0] = fields.map(Number);
    if (what === 'open') this.#seen(b);
    if (what === 'append') for (let i = 0; i < c; i++) this.#ids.set(a + i, `e-${life}-${b + i}`);
    if (what === 'key') {
      this.#rotations.set(a, b);
      this.#seen(a);
    }
  }

  /**
   * Opens what a killed writer left, as the next writer would, and compares it with what was promised.
   *
   * @throws Error naming the first difference
   */
  async check({ directory, keysDirectory }: LogPlace): Promise<void> {
    const house = await openHouseKeys({ directory: keysDirectory, mode: 'write' });
    try {
      const writer = await EventLogWriter.open({ directory, origin: 'rotation.example', keys: house.keys });
      await writer.close();
      this.#checkKeys(house, keysDirectory);
      this.#checkBlocks(blocksOf(directory));
      await this.#checkRecords(directory, house);
    } finally {
      await house.close();
    }
  }

  #seen(dataKeyId: number): void {
    if (dataKeyId < this.#dataKeyId) throw new Error(`data key ${dataKeyId} comes after ${this.#dataKeyId}`);
    this.#dataKeyId = dataKeyId;
  }

  #checkKeys({ keys }: HouseKeys, keysDirectory: string): void {
    this.#seen(keys.dataKeyId);
    const record = JSON.parse(readFileSync(join(keysDirectory, 'house.json'), 'utf8')) as { dataKeyIds: number[] };
    record.dataKeyIds.forEach((id, i) => {
      if (id !== i + 1) throw new Error(`the data keys are ${record.dataKeyIds.join()}`);
    });
    if (record.dataKeyIds.length !== keys.dataKeyId) throw new Error(`data key ${keys.dataKeyId} is not the last`);
    for (const id of record.dataKeyIds) {
      const derived = keys.blockKey(id, ANY_LOG_ID, ANY_SALT).toString('hex');
      if ((this.#derived.get(id) ?? derived) !== derived) throw new Error(`data key ${id} is another than before`);
      this.#derived.set(id, derived);
    }
  }

  #checkBlocks(blocks: readonly BlockKeys[]): void {
    const used = new Set<string>();
    const keyOfSalt = new Map<string, number>();
    const rotations = [...this.#rotations];
    let before = 0;
    for (const { firstSeq, count, dataKeyId, salt, nonce } of blocks) {
      const at = `the block of seq ${firstSeq}`;
      if (dataKeyId > this.#dataKeyId) throw new Error(`${at} names data key ${dataKeyId} of ${this.#dataKeyId}`);
      if (dataKeyId < before) throw new Error(`${at} stands under data key ${dataKeyId}, after ${before}`);
      const due = rotations.find(([id, seq]) => seq < firstSeq + count && id > dataKeyId);
      if (due !== undefined) throw new Error(`${at} stands under data key ${dataKeyId}, after rotation to ${due[0]}`);
      if ((keyOfSalt.get(salt) ?? dataKeyId) !== dataKeyId) throw new Error(`${at} has the salt of another data key`);
      if (used.has(salt + nonce)) throw new Error(`${at} repeats salt and nonce`);
      keyOfSalt.set(salt, dataKeyId);
      used.add(salt + nonce);
      before = dataKeyId;
    }
  }

  async #checkRecords(directory: string, house: HouseKeys): Promise<void> {
    const reader = await EventLogReader.open({ directory, keys: house.keys });
    const { ok, problems } = reader.verify();
    if (!ok) throw new Error(`verify finds ${problems[0]?.code}: ${problems[0]?.message}`);
    const records = [...reader.records()].map(({ seq, body, sealed }) => ({
      ...{ seq, sealed, event: JSON.parse(body.toString('utf8')) as ProtegoEvent },
    }));
    const revealed = await house.vault.reveal(records);
    const found = new Map(records.map(({ seq, event }) => [seq as number, event]));
    revealed.forEach(({ event, erased }, i) => {
      const seq = records[i]?.seq;
      if (erased.length > 0) throw new Error(`seq ${seq} has lost the key of its person`);
      const uid = (event.data as { user?: { uid: string } }).user?.uid;
      if (uid !== personOf(event)) throw new Error(`seq ${seq} shows \`${uid}\``);
    });
    for (const [seq, id] of this.#ids)
      if (found.get(seq)?.id !== id) throw new Error(`event ${id} was acknowledged at seq ${seq} and is not there`);
    for (const [dataKeyId, seq] of this.#rotations)
      if (found.get(seq)?.data['dataKeyId'] !== dataKeyId)
        throw new Error(`the rotation to ${dataKeyId} was acknowledged at seq ${seq} and is not there`);
  }
}

/** The person that an event was about when it was sealed; undefined for an event of the log itself. */
function personOf({ id }: ProtegoEvent): string | undefined {
  const match = /^e-(\d+)-(\d+)$/.exec(id);
  return match === null ? undefined : `person-${match[1]}-${Math.floor(Number(match[2]) / 3)}`;
}

/** Reads the headers of all blocks, by the reference of the format. */
export function blocksOf(directory: string): BlockKeys[] {
  return segmentPaths(directory).flatMap((path) => {
    const bytes = readFileSync(path);
    const blocks: BlockKeys[] = [];
    let at = 32 + 32 * bytes.readUInt32BE(12);
    while (at + BLOCK_FIXED_BYTES <= bytes.length && bytes.readUInt32BE(at) === BLOCK_MAGIC) {
      blocks.push({
        firstSeq: Number(bytes.readBigUInt64BE(at + 8)),
        count: bytes.readUInt32BE(at + 24),
        dataKeyId: bytes.readUInt32BE(at + 40),
        salt: bytes.toString('hex', at + 88, at + 120),
        nonce: bytes.toString('hex', at + 120, at + 132),
      });
      at += BLOCK_FIXED_BYTES + bytes.readUInt32BE(at + 32) + bytes.readUInt32BE(at + 36);
    }
    return blocks;
  });
}
