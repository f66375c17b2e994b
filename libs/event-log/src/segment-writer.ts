import { dirname, join } from 'node:path';
import { finishBlockHeader } from './block-format';
import type { SealedBlock } from './block-builder';
import { writeAll, type LogFile, type LogFileLayer } from './file-layer';
import { SEGMENT_FOLDER, encodeSegmentHeader, segmentNameOf } from './segment-format';

/** Writes blocks to the end of the newest segment and starts new segments. One call at a time. */
export class SegmentWriter {
  private constructor(
    private readonly directory: string,
    private readonly layer: LogFileLayer,
    private file: LogFile | undefined,
    private position: number,
  ) {}

  /** Goes on with a recovered log: at the end of `last`, or with no segment yet. */
  static async open(
    directory: string,
    layer: LogFileLayer,
    last: { path: string; bytes: number } | undefined,
  ): Promise<SegmentWriter> {
    const file = last === undefined ? undefined : await layer.open(last.path, 'change');
    return new SegmentWriter(directory, layer, file, last?.bytes ?? 0);
  }

  /** Starts a segment; it is durable, with its entry in the directory, before a block goes into it. */
  async startSegment(firstSeq: number, peaks: readonly Buffer[]): Promise<void> {
    await this.close();
    const path = join(this.directory, SEGMENT_FOLDER, segmentNameOf(firstSeq));
    const file = await this.layer.open(path, 'create');
    this.file = file;
    this.position = await writeAll(file, [encodeSegmentHeader(firstSeq, peaks)], 0);
    await file.fsync();
    await this.layer.syncDirectory(dirname(path));
  }

  /** Writes the blocks as one group and makes them durable. */
  async writeGroup(blocks: readonly SealedBlock[]): Promise<void> {
    const groupFirstSeq = blocks[0]?.firstSeq;
    if (this.file === undefined || groupFirstSeq === undefined) throw new Error('no segment, or nothing to write');
    for (const block of blocks) finishBlockHeader(block.bytes, groupFirstSeq);
    this.position += await writeAll(
      this.file,
      blocks.map((block) => block.bytes),
      this.position,
    );
    await this.file.fdatasync();
  }

  /** Closes the file. */
  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }
}
