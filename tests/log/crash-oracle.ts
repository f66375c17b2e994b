import {
  MerkleTree,
  leafHash,
  type EventLogReader,
  type EventLogWriter,
  type LogRecordInput,
} from '@protego/event-log';

/** A checkpoint that somebody may have kept. */
interface KeptCheckpoint {
  readonly size: number;
  readonly root: string;
}

const EMPTY = Buffer.alloc(0);

/** What was asked of a log, and what it promised: whatever happens to its disk, it has to keep that. */
export class CrashOracle {
  /** Records that were taken, in order of seq. Those from {@link acknowledged} on may be missing after a crash. */
  readonly taken: LogRecordInput[] = [];
  #acknowledged = 0;
  /** Leaf hashes of the records that were found in the log after an earlier crash. */
  readonly #found: Buffer[] = [];
  readonly #kept: KeptCheckpoint[] = [];
  #signedSize = 0;

  /** Number of records that are promised. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Checkpoints that are promised. */
  get keptCount(): number {
    return this.#kept.length;
  }

  /** An append came back. */
  acknowledge(firstSeq: number, count: number, nextSeqBefore: number): void {
    if (firstSeq !== nextSeqBefore)
      throw new Error(`records for seq ${nextSeqBefore} were acknowledged at ${firstSeq}`);
    this.#acknowledged = Math.max(this.#acknowledged, firstSeq + count);
  }

  /** Somebody was told of a checkpoint, signed or not. */
  keep(size: number, root: string, isSigned: boolean): void {
    this.#kept.push({ size, root });
    if (isSigned) this.#signedSize = Math.max(this.#signedSize, size);
  }

  /**
   * Compares a recovered log with what was promised; what was taken and is lost counts as never taken from here on.
   *
   * @throws Error naming the first difference
   */
  check(reader: EventLogReader, writer: EventLogWriter): void {
    const { size } = writer;
    if (size < this.#acknowledged)
      throw new Error(`${this.#acknowledged} records were acknowledged, ${size} are there`);
    if (size > this.taken.length) throw new Error(`${this.taken.length} records were taken, ${size} are there`);
    const roots = this.#checkRecords(reader, size);
    const { rootHash } = writer.checkpoint();
    if (roots(size) !== rootHash) throw new Error('the writer goes on from a root that its records do not give');
    for (const kept of this.#kept) {
      if (kept.size > size) throw new Error(`a kept checkpoint covers ${kept.size} records, ${size} are there`);
      if (roots(kept.size) !== kept.root)
        throw new Error(`the log has other records than the checkpoint of ${kept.size}`);
    }
    const latestSize = writer.latestCheckpoint?.size ?? 0;
    if (latestSize < this.#signedSize)
      throw new Error(`the checkpoint of ${this.#signedSize} was forgotten for ${latestSize}`);
    this.taken.length = size;
  }

  /** The roots of all sizes that were kept, and of the whole log. */
  #checkRecords(reader: EventLogReader, size: number): (size: number) => string {
    const sizes = new Set([...this.#kept.map((kept) => kept.size), size]);
    const roots = new Map<number, string>();
    const tree = new MerkleTree();
    if (sizes.has(0)) roots.set(0, tree.root().toString('hex'));
    let seq = 0;
    for (const record of reader.records()) {
      const expected = this.taken[seq];
      if (record.seq !== seq) throw new Error(`seq ${record.seq} comes where ${seq} should`);
      if (expected === undefined) throw new Error(`seq ${seq} was never appended`);
      const isEqual =
        record.body.equals(expected.body) &&
        record.sealed.equals(expected.sealed ?? EMPTY) &&
        record.type === expected.type &&
        record.timeMs === expected.timeMs &&
        record.arrivedAtMs === expected.arrivedAtMs &&
        record.recordedAtMs === expected.recordedAtMs;
      if (!isEqual) throw new Error(`seq ${seq} is not what was appended`);
      const leaf = leafHash(record.leaf);
      const before = this.#found[seq];
      if (before !== undefined && !before.equals(leaf))
        throw new Error(`the leaf of seq ${seq} is another than before`);
      this.#found[seq] = leaf;
      tree.appendLeaves(leaf, 1);
      seq++;
      if (sizes.has(seq)) roots.set(seq, tree.root().toString('hex'));
    }
    if (seq !== size) throw new Error(`the reader finds ${seq} records, the writer ${size}`);
    return (wanted) => roots.get(wanted) ?? 'none';
  }
}
