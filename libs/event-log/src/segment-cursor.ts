import { crc32c } from '@node-rs/crc32';
import { BLOCK_HEADER_BYTES, readBlockHeader, type BlockHeader } from './block-format';
import { BlockView } from './block-view';
import { FileWindow, type FileWindowOptions } from './file-window';
import type { MerkleTree } from './merkle-tree';
import { decodeSegmentHeader, segmentHeaderBytes, type SegmentFileName } from './segment-format';

/** Window for reading every byte. */
export const SCAN_WINDOW_BYTES = 1 << 20;
/** Window for hopping from header to header. */
export const HOP_WINDOW_BYTES = 8192;

/** What stands at a place of a segment. */
export type BlockRead =
  | { readonly kind: 'block'; readonly block: BlockView; readonly offset: number }
  /** The file ends here. */
  | { readonly kind: 'end'; readonly offset: number }
  /** A beginning of a block, of which the file holds `bytes` bytes and no more. */
  | { readonly kind: 'torn'; readonly offset: number; readonly bytes: number }
  /** Bytes that are no block. `header` is there when the header is sound and only the payload is not. */
  | { readonly kind: 'bad'; readonly offset: number; readonly reason: string; readonly header?: BlockHeader };

/** The same for a reader that looks at headers only; the payload is there, and unchecked. */
export type HeaderRead =
  | { readonly kind: 'header'; readonly header: BlockHeader; readonly offset: number }
  | Exclude<BlockRead, { kind: 'block' }>;

/** Reads one segment from front to back. A segment that still grows can be read on after its end was met. */
export class SegmentCursor {
  private readonly window: FileWindow;
  /** Offset of the next block. */
  position: number;

  constructor(
    readonly segment: SegmentFileName,
    options: FileWindowOptions,
  ) {
    this.window = new FileWindow(segment.path, options);
    this.position = segmentHeaderBytes(segment.firstSeq);
  }

  /** Size of the file now, bytes. */
  fileBytes(): number {
    return this.window.fileBytes();
  }

  /** The tree at the segment's head; undefined when the file is shorter than a header; else what is wrong with it. */
  head(): MerkleTree | string | undefined {
    const bytes = this.window.view(0, segmentHeaderBytes(this.segment.firstSeq));
    return bytes === undefined ? undefined : decodeSegmentHeader(bytes, this.segment.firstSeq);
  }

  /** The next block, checked against its CRCs. The position moves on only past a whole block. */
  next(): BlockRead {
    const read = this.peekHeader();
    if (read.kind !== 'header') return read;
    const { header, offset } = read;
    const payload = this.window.view(offset + BLOCK_HEADER_BYTES, header.payloadBytes);
    if (payload === undefined) return this.tornAt(offset);
    if (crc32c(payload) !== header.payloadCrc) return { kind: 'bad', offset, reason: 'payload fails its CRC', header };
    const block = BlockView.over(header, payload);
    if (typeof block === 'string') return { kind: 'bad', offset, reason: block, header };
    this.skip(header);
    return { kind: 'block', block, offset };
  }

  /** The header of the next block; the position stays. */
  peekHeader(): HeaderRead {
    const offset = this.position;
    const bytes = this.window.view(offset, BLOCK_HEADER_BYTES);
    if (bytes === undefined) return this.tornAt(offset);
    const header = readBlockHeader(bytes);
    if (typeof header === 'string') return { kind: 'bad', offset, reason: header };
    if (!this.window.reaches(offset + BLOCK_HEADER_BYTES + header.payloadBytes)) return this.tornAt(offset);
    return { kind: 'header', header, offset };
  }

  /** The block at the position although its payload fails the CRC: what it says cannot be relied on. */
  blockDespiteCrc(header: BlockHeader): BlockView {
    const payload = this.window.view(this.position + BLOCK_HEADER_BYTES, header.payloadBytes);
    return BlockView.overDamaged(header, payload ?? Buffer.alloc(header.payloadBytes));
  }

  /** Moves past the block at the position. */
  skip(header: BlockHeader): void {
    this.position += BLOCK_HEADER_BYTES + header.payloadBytes;
  }

  /** Bytes at an offset, or undefined when the file ends before. */
  view(offset: number, length: number): Buffer | undefined {
    return this.window.view(offset, length);
  }

  /** Forgets what was read ahead: a writer may have put other bytes there since. */
  forget(): void {
    this.window.forget();
  }

  /** Closes the file. */
  close(): void {
    this.window.close();
  }

  private tornAt(offset: number): BlockRead & { kind: 'end' | 'torn' } {
    const bytes = Math.max(0, this.window.fileBytes() - offset);
    return bytes === 0 ? { kind: 'end', offset } : { kind: 'torn', offset, bytes };
  }
}
