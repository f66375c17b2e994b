import { randomFillSync } from 'node:crypto';
import {
  BLOCK_RECORDS_MAX,
  BLOCK_SUBJECTS_MAX,
  COLUMN_BYTES_PER_RECORD,
  LEAF_HEAD_BYTES,
  TYPE_BYTES_MAX,
  columnOffsets,
  typeBitOf,
  type TimeRange,
  type TypesBitmap,
} from './block-format';
import { BlockMemoryPool, type BlockMemory } from './block-memory';
import { RECORD_BYTES_MAX, SEALED_BYTES_MAX, type LogRecordInput, type RecordIdentity } from '../log-record';
import { SubjectFilterBuilder } from './subject-filter';

/** A block whose records are fixed; it is neither hashed nor compressed nor encrypted yet. */
export interface RawBlock extends TimeRange {
  readonly firstSeq: number;
  /** Number of records. */
  readonly count: number;
  /** Columns, type table and leaves. It lies in the memory, which is used again after {@link RawBlock.release}. */
  readonly payload: Buffer;
  readonly memory: BlockMemory;
  readonly filter: Buffer;
  readonly types: TypesBitmap;
  /** Of the records that have one: idHigh, idLow, contentHigh, contentLow. */
  readonly identities: Uint32Array;
  /** Bytes of its records before compression, without their types. */
  readonly recordBytes: number;
  /** Gives the memory back. */
  release(): void;
}

const LEAF_BYTES_MAX = LEAF_HEAD_BYTES + SEALED_BYTES_MAX + RECORD_BYTES_MAX;
/** A block whose types take more is closed: its table stands in room that is kept free for it. */
const TYPE_TABLE_BYTES_MAX = 32_768;
/** Room before the leaves, so that columns and types are put before them without moving them. */
const HEAD_ROOM = BLOCK_RECORDS_MAX * COLUMN_BYTES_PER_RECORD + TYPE_TABLE_BYTES_MAX + 1 + TYPE_BYTES_MAX;
/** Words of random that are drawn at once. */
const RANDOM_WORDS = 4096;

/**
 * Collects records and lays them out as one block. Leaves are written where they stay, so that hashing and compressing
 * copy nothing; memory is kept and serves later blocks.
 */
export class BlockBuilder {
  private count = 0;
  private readonly pool: BlockMemoryPool;
  private memory: BlockMemory;
  private arena: Buffer;
  private view: DataView;
  /** Offset in the arena after the last leaf. */
  private end = HEAD_ROOM;
  private readonly lengths = new Uint32Array(BLOCK_RECORDS_MAX);
  private readonly typeIndexes = new Uint16Array(BLOCK_RECORDS_MAX);
  private readonly ids = new Uint32Array(2 * BLOCK_RECORDS_MAX);
  private readonly contents = new Uint32Array(2 * BLOCK_RECORDS_MAX);
  private identityCount = 0;
  private readonly randoms = new Uint32Array(RANDOM_WORDS);
  private randomAt = RANDOM_WORDS;
  private readonly typeTable = new Map<string, number>();
  private typeTableBytes = 0;
  private lastType = '';
  private lastTypeIndex = 0;
  private typesHigh = 0;
  private typesLow = 0;
  private timeMsMin = Infinity;
  private timeMsMax = -Infinity;
  private arrivedAtMsMin = Infinity;
  private arrivedAtMsMax = -Infinity;
  private readonly filter: SubjectFilterBuilder;

  /** @param subjectKey 16 bytes: keys the subject filters */
  constructor(
    private readonly blockBytesMax: number,
    subjectKey: Buffer,
  ) {
    this.filter = new SubjectFilterBuilder(subjectKey);
    this.pool = new BlockMemoryPool(HEAD_ROOM + blockBytesMax + LEAF_BYTES_MAX);
    this.memory = this.pool.take();
    this.arena = this.memory.bytes;
    this.view = viewOf(this.arena);
  }

  /** True when the block holds nothing. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** True when the block should be sealed before another record is added. */
  get isFull(): boolean {
    const isLarge = this.end - HEAD_ROOM + this.count * COLUMN_BYTES_PER_RECORD >= this.blockBytesMax;
    const isCrowded = this.typeTableBytes > TYPE_TABLE_BYTES_MAX || this.filter.count >= BLOCK_SUBJECTS_MAX;
    return isLarge || this.count === BLOCK_RECORDS_MAX || isCrowded;
  }

  /** Takes a record. */
  add(record: LogRecordInput): void {
    const i = this.count++;
    const { timeMs, arrivedAtMs, type, identity } = record;
    if (timeMs < this.timeMsMin) this.timeMsMin = timeMs;
    if (timeMs > this.timeMsMax) this.timeMsMax = timeMs;
    if (arrivedAtMs < this.arrivedAtMsMin) this.arrivedAtMsMin = arrivedAtMs;
    if (arrivedAtMs > this.arrivedAtMsMax) this.arrivedAtMsMax = arrivedAtMs;
    this.typeIndexes[i] = type === this.lastType ? this.lastTypeIndex : this.typeIndexOf(type);
    if (identity !== undefined) this.setIdentity(i, identity);
    this.addSubjects(record);
    const start = this.end;
    this.writeLeaf(record, start);
    this.lengths[i] = this.end - start;
  }

  /** Returns the block, whose first record has this seq, and starts an empty one. */
  seal(firstSeq: number): RawBlock {
    const { memory, count, timeMsMin, timeMsMax, arrivedAtMsMin, arrivedAtMsMax } = this;
    const block = {
      firstSeq,
      count,
      payload: this.layOut(),
      memory,
      filter: this.filter.take(),
      types: { high: this.typesHigh >>> 0, low: this.typesLow >>> 0 },
      identities: this.takeIdentities(),
      recordBytes: this.end - HEAD_ROOM + count * COLUMN_BYTES_PER_RECORD,
      timeMsMin,
      timeMsMax,
      arrivedAtMsMin,
      arrivedAtMsMax,
      release: () => this.pool.give(memory),
    };
    this.clear();
    return block;
  }

  private addSubjects(record: LogRecordInput): void {
    const { filter } = this;
    const { encodedSubjects } = record;
    if (encodedSubjects === undefined) for (const subject of record.subjects ?? []) filter.add(subject);
    else filter.addEncoded(encodedSubjects);
  }

  private writeLeaf({ timeMs, arrivedAtMs, recordedAtMs, sealed, body }: LogRecordInput, start: number): void {
    const { arena, view, randoms } = this;
    if (this.randomAt === RANDOM_WORDS) this.drawRandoms();
    const from = this.randomAt;
    this.randomAt = from + 4;
    arena[start] = 0;
    view.setUint32(start + 1, randoms[from] as number);
    view.setUint32(start + 5, randoms[from + 1] as number);
    view.setUint32(start + 9, randoms[from + 2] as number);
    view.setUint32(start + 13, randoms[from + 3] as number);
    view.setFloat64(start + 17, timeMs);
    view.setFloat64(start + 25, arrivedAtMs);
    view.setFloat64(start + 33, recordedAtMs);
    const sealedBytes = sealed === undefined ? 0 : sealed.length;
    view.setUint32(start + 41, sealedBytes);
    const bodyAt = start + LEAF_HEAD_BYTES + sealedBytes;
    if (sealedBytes > 0) arena.set(sealed as Buffer, start + LEAF_HEAD_BYTES);
    arena.set(body, bodyAt);
    this.end = bodyAt + body.length;
  }

  private drawRandoms(): void {
    randomFillSync(this.randoms);
    this.randomAt = 0;
  }

  private typeIndexOf(type: string): number {
    let index = this.typeTable.get(type);
    if (index === undefined) {
      index = this.typeTable.size;
      this.typeTable.set(type, index);
      this.typeTableBytes += 1 + Buffer.byteLength(type);
      const bit = typeBitOf(type);
      if (bit < 32) this.typesLow |= 1 << bit;
      else this.typesHigh |= 1 << (bit - 32);
    }
    this.lastType = type;
    this.lastTypeIndex = index;
    return index;
  }

  private setIdentity(i: number, { idHigh, idLow, contentHigh, contentLow }: RecordIdentity): void {
    // The columns hold zeros wherever no identity was set.
    this.ids[2 * i] = idHigh;
    this.ids[2 * i + 1] = idLow;
    this.contents[2 * i] = contentHigh;
    this.contents[2 * i + 1] = contentLow;
    this.identityCount++;
  }

  private takeIdentities(): Uint32Array {
    const { count, ids, contents } = this;
    const identities = new Uint32Array(4 * this.identityCount);
    if (this.identityCount === 0) return identities;
    let words = 0;
    for (let i = 0; i < 2 * count; i += 2) {
      const high = ids[i] as number;
      const low = ids[i + 1] as number;
      if ((high | low) === 0) continue;
      identities[words++] = high;
      identities[words++] = low;
      identities[words++] = contents[i] as number;
      identities[words++] = contents[i + 1] as number;
    }
    return identities.subarray(0, words);
  }

  /** Puts columns and type table before the leaves; returns all of it. */
  private layOut(): Buffer {
    const { arena, count } = this;
    const start = HEAD_ROOM - this.typeTableBytes - count * COLUMN_BYTES_PER_RECORD;
    const at = columnOffsets(count);
    putBigEndian(arena, start, this.lengths, count);
    putBigEndian(arena, start + at.type, this.typeIndexes, count);
    if (this.identityCount === 0) arena.fill(0, start + at.id, start + at.typeTable);
    else {
      putBigEndian(arena, start + at.id, this.ids, 2 * count);
      putBigEndian(arena, start + at.content, this.contents, 2 * count);
    }
    let typeAt = start + at.typeTable;
    for (const type of this.typeTable.keys()) {
      const length = arena.write(type, typeAt + 1, 'utf8');
      arena[typeAt] = length;
      typeAt += 1 + length;
    }
    return arena.subarray(start, this.end);
  }

  private clear(): void {
    if (this.identityCount > 0) {
      this.ids.fill(0, 0, 2 * this.count);
      this.contents.fill(0, 0, 2 * this.count);
    }
    this.identityCount = this.count = 0;
    this.memory = this.pool.take();
    this.arena = this.memory.bytes;
    this.view = viewOf(this.arena);
    this.end = HEAD_ROOM;
    this.typeTable.clear();
    this.typeTableBytes = this.typesHigh = this.typesLow = 0;
    this.lastType = '';
    this.timeMsMin = this.arrivedAtMsMin = Infinity;
    this.timeMsMax = this.arrivedAtMsMax = -Infinity;
  }
}

/** Writes the first `count` numbers of a column in big-endian order. */
function putBigEndian(target: Buffer, offset: number, column: Uint32Array | Uint16Array, count: number): void {
  const bytes = Buffer.from(column.buffer, 0, count * column.BYTES_PER_ELEMENT);
  const isWide = column.BYTES_PER_ELEMENT === 4;
  target.set(bytes, offset);
  const placed = target.subarray(offset, offset + bytes.length);
  if (isWide) placed.swap32();
  else placed.swap16();
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
