import type { EventSeq } from '@protego/contracts';
import { columnOffsets, type BlockHeader, type ColumnOffsets } from './block-format';
import type { LeafHasher } from './leaf-hasher';
import type { LogRecord } from './log-record';

/** The records of a block, read in place from the payload's bytes. */
export class BlockView {
  private readonly view: DataView;

  private constructor(
    readonly header: BlockHeader,
    private readonly payload: Buffer,
    private readonly at: ColumnOffsets,
    private readonly types: readonly string[],
    /** Offset in the payload where body i starts; one more entry marks the end of the last. */
    private readonly bodyStarts: Uint32Array,
  ) {
    this.view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  }

  /** A view of a payload whose CRC has been checked, or why its columns contradict each other. */
  static over(header: BlockHeader, payload: Buffer): BlockView | string {
    const at = columnOffsets(header.count);
    const bodiesAt = at.typeTable + header.typeTableBytes;
    const types = readTypeTable(payload.subarray(at.typeTable, bodiesAt));
    if (types === undefined) return 'type table is not well formed';
    const bodyStarts = readBodyStarts(payload, at.length, header.count, bodiesAt);
    if (bodyStarts[header.count] !== payload.length) return 'body lengths do not add up';
    for (let i = 0; i < header.count; i++)
      if (payload.readUInt16BE(at.type + 2 * i) >= types.length) return 'type index is out of range';
    return new BlockView(header, payload, at, types, bodyStarts);
  }

  /** A view of a payload that is known to be damaged, for finding out where: reads stay within the payload. */
  static overDamaged(header: BlockHeader, payload: Buffer): BlockView {
    const at = columnOffsets(header.count);
    const bodiesAt = at.typeTable + header.typeTableBytes;
    const types = readTypeTable(payload.subarray(at.typeTable, bodiesAt)) ?? [];
    const bodyStarts = new Uint32Array(header.count + 1).fill(bodiesAt);
    for (let i = 0; i < header.count; i++) {
      const start = bodyStarts[i] as number;
      const end = start + payload.readUInt32BE(at.length + 4 * i);
      // A body that would leave the payload is taken as empty, so that its leaf cannot seem sound.
      bodyStarts[i + 1] = end > payload.length ? start : end;
    }
    return new BlockView(header, payload, at, types, bodyStarts);
  }

  /** One value per record, in order. */
  column(valueAt: (i: number) => number): Float64Array {
    const values = new Float64Array(this.header.count);
    for (let i = 0; i < values.length; i++) values[i] = valueAt(i);
    return values;
  }

  /** Seq of record `i`, counted from the first of the block. */
  seqAt(i: number): EventSeq {
    return (this.header.firstSeq + i) as EventSeq;
  }

  /** Event time of record `i`. */
  timeMsAt(i: number): number {
    return this.view.getFloat64(this.at.timeMs + 8 * i);
  }

  /** Pipeline time of record `i`. */
  arrivedAtMsAt(i: number): number {
    return this.view.getFloat64(this.at.arrivedAtMs + 8 * i);
  }

  /** Type of record `i` as its column says. */
  typeAt(i: number): string {
    return this.types[this.view.getUint16(this.at.type + 2 * i)] ?? '';
  }

  /** Body of record `i`; it shares memory with the block. */
  bodyAt(i: number): Buffer {
    return this.payload.subarray(this.bodyStarts[i], this.bodyStarts[i + 1]);
  }

  /** The whole record `i`. */
  recordAt(i: number): LogRecord {
    return {
      seq: this.seqAt(i),
      timeMs: this.timeMsAt(i),
      arrivedAtMs: this.arrivedAtMsAt(i),
      recordedAtMs: this.view.getFloat64(this.at.recordedAtMs + 8 * i),
      type: this.typeAt(i),
      body: this.bodyAt(i),
    };
  }

  /** Leaf hash of record `i`, computed from its bytes, as 32 Latin-1 characters. */
  leafHashAt(i: number, hasher: LeafHasher): string {
    hasher.setRandom(this.payload, i);
    hasher.setTimes(this.timeMsAt(i), this.arrivedAtMsAt(i), this.view.getFloat64(this.at.recordedAtMs + 8 * i));
    return hasher.hashWithBody(this.payload, this.bodyStarts[i] as number, this.bodyStarts[i + 1] as number);
  }

  /** First four bytes of the leaf hash as stored: they tell which record of an altered block is the altered one. */
  leafCheckAt(i: number): number {
    return this.view.getUint32(this.at.leafCheck + 4 * i);
  }
}

function readTypeTable(table: Buffer): string[] | undefined {
  const types: string[] = [];
  for (let at = 0; at < table.length;) {
    const end = at + 1 + (table[at] as number);
    if (end > table.length) return undefined;
    types.push(table.toString('utf8', at + 1, end));
    at = end;
  }
  return types;
}

function readBodyStarts(payload: Buffer, lengthsAt: number, count: number, bodiesAt: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  let at = bodiesAt;
  for (let i = 0; i < count; i++) {
    starts[i] = at;
    at += payload.readUInt32BE(lengthsAt + 4 * i);
    // Stop at the first length that leaves the payload: the sum could otherwise wrap round to the right value.
    if (at > payload.length) return starts.fill(0);
  }
  starts[count] = at;
  return starts;
}
