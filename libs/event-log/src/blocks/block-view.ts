import { decodeBody, type EventSeq } from '@protego/contracts';
import { LEAF_HEAD_BYTES, RANDOM_BYTES, columnOffsets, type BlockHeader, type ColumnOffsets } from './block-format';
import type { LogRecord, RecordIdentity } from '../log-record';

/** Bytes of the RFC 6962 leaf prefix 0x00, which stands before each stored leaf. */
const PREFIX_BYTES = 1;
const TIMES_AT = PREFIX_BYTES + RANDOM_BYTES;
const SEALED_BYTES_AT = TIMES_AT + 24;
const NOTHING = Buffer.alloc(0);

/** The records of a block, read in place from its raw payload. */
export class BlockView {
  private readonly view: DataView;

  private constructor(
    readonly header: BlockHeader,
    /** The raw payload: columns, type table, leaves. */
    readonly payload: Buffer,
    private readonly at: ColumnOffsets,
    /** Types of the block's records, each once. */
    readonly types: readonly string[],
    /** Offset in the payload where stored leaf i starts; one more entry marks the end of the last. */
    private readonly starts: Uint32Array,
  ) {
    this.view = viewOf(payload);
  }

  /** A view of a payload that was authenticated, or why its parts contradict each other. */
  static over(header: BlockHeader, payload: Buffer): BlockView | string {
    const at = columnOffsets(header.count);
    if (payload.length < at.typeTable) return 'payload is shorter than its columns';
    const view = viewOf(payload);
    const starts = readStarts(view, header.count);
    if (starts === undefined) return 'leaf lengths do not add up';
    const types = readTypeTable(payload.subarray(at.typeTable, starts[0]));
    if (types === undefined) return 'type table is not well formed';
    for (let i = 0; i < header.count; i++) {
      if (view.getUint16(at.type + 2 * i) >= types.length) return 'type index is out of range';
      const start = starts[i] as number;
      const room = (starts[i + 1] as number) - start - LEAF_HEAD_BYTES;
      if (room < view.getUint32(start + SEALED_BYTES_AT)) return 'sealed part leaves its record';
    }
    return new BlockView(header, payload, at, types, starts);
  }

  /** Number of records. */
  get count(): number {
    return this.header.count;
  }

  /** Seq of record `i`, counted from the first of the block. */
  seqAt(i: number): EventSeq {
    return (this.header.firstSeq + i) as EventSeq;
  }

  /** Event time of record `i`, milliseconds since the Unix epoch, as the other times. */
  timeMsAt(i: number): number {
    return this.view.getFloat64((this.starts[i] as number) + TIMES_AT);
  }

  /** Pipeline time of record `i`. */
  arrivedAtMsAt(i: number): number {
    return this.view.getFloat64((this.starts[i] as number) + TIMES_AT + 8);
  }

  /** Wall clock at the append of record `i`. */
  recordedAtMsAt(i: number): number {
    return this.view.getFloat64((this.starts[i] as number) + TIMES_AT + 16);
  }

  /** Type of record `i` as its column says. */
  typeAt(i: number): string {
    return this.types[this.typeIndexAt(i)] as string;
  }

  /** Place of record `i`'s type in {@link BlockView.types}. */
  typeIndexAt(i: number): number {
    return this.view.getUint16(this.at.type + 2 * i);
  }

  /** Body of record `i`; it shares memory with the block. */
  bodyAt(i: number): Buffer {
    return this.payload.subarray(this.bodyStartAt(i), this.starts[i + 1]);
  }

  /** Body of record `i` as text: cheaper than decoding {@link BlockView.bodyAt}. */
  bodyTextAt(i: number): string {
    return this.payload.toString('utf8', this.bodyStartAt(i), this.starts[i + 1]);
  }

  /**
   * Body of record `i`, decoded: equal to what JSON.parse makes of it, at half the price where the type's bodies are alike.
   *
   * @throws SyntaxError, TypeError for a body that is no JSON or no UTF-8
   */
  decodedAt(i: number): unknown {
    return decodeBody(this.payload, this.bodyStartAt(i), this.starts[i + 1] as number, this.typeAt(i));
  }

  /** Sealed personal fields of record `i`, empty where there are none; it shares memory with the block. */
  sealedAt(i: number): Buffer {
    const start = (this.starts[i] as number) + LEAF_HEAD_BYTES;
    const end = this.bodyStartAt(i);
    return start === end ? NOTHING : this.payload.subarray(start, end);
  }

  /** Leaf data of record `i`, without the prefix 0x00; it shares memory with the block. */
  leafAt(i: number): Buffer {
    return this.payload.subarray((this.starts[i] as number) + PREFIX_BYTES, this.starts[i + 1]);
  }

  /** The hashes by which the dedupe index knows record `i`; undefined when it has none. */
  identityAt(i: number): RecordIdentity | undefined {
    const { view } = this;
    const idAt = this.at.id + 8 * i;
    const idHigh = view.getUint32(idAt);
    const idLow = view.getUint32(idAt + 4);
    if (idHigh === 0 && idLow === 0) return undefined;
    const contentAt = this.at.content + 8 * i;
    return { idHigh, idLow, contentHigh: view.getUint32(contentAt), contentLow: view.getUint32(contentAt + 4) };
  }

  /** The whole record `i`; its buffers share memory with the block. */
  recordAt(i: number): LogRecord {
    return {
      seq: this.seqAt(i),
      timeMs: this.timeMsAt(i),
      arrivedAtMs: this.arrivedAtMsAt(i),
      recordedAtMs: this.recordedAtMsAt(i),
      type: this.typeAt(i),
      body: this.bodyAt(i),
      sealed: this.sealedAt(i),
      leaf: this.leafAt(i),
    };
  }

  private bodyStartAt(i: number): number {
    const start = this.starts[i] as number;
    return start + LEAF_HEAD_BYTES + this.view.getUint32(start + SEALED_BYTES_AT);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Where the leaves start, counted back from the end of the payload; undefined when they have no room there. */
function readStarts(payload: DataView, count: number): Uint32Array | undefined {
  const starts = new Uint32Array(count + 1);
  const leavesMin = columnOffsets(count).typeTable;
  let at = payload.byteLength;
  starts[count] = at;
  for (let i = count - 1; i >= 0; i--) {
    const bytes = payload.getUint32(4 * i);
    at -= bytes;
    if (bytes < LEAF_HEAD_BYTES || at < leavesMin) return undefined;
    starts[i] = at;
  }
  return starts;
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
