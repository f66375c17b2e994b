import { crc32c } from '@node-rs/crc32';
import type { ProtegoError } from '@protego/contracts';
import type { BlockCipher } from '../blocks/block-cipher';
import {
  BLOCK_HEADER_BYTES,
  TAG_BYTES,
  blockBytesOf,
  filterCrcOf,
  readBlockHeader,
  type BlockHeader,
} from '../blocks/block-format';
import { openPayload } from '../blocks/block-payload';
import { BlockView } from '../blocks/block-view';
import { FileWindow, type FileWindowOptions } from './file-window';
import type { MerkleTree } from '../tree/merkle-tree';
import { FOOTER_MAGIC, SegmentIndex, TRAILER_BYTES, decodeSegmentTrailer, type SegmentTrailer } from './segment-footer';
import { decodeSegmentHeader, segmentHeaderBytes, type SegmentFileName } from './segment-format';

/** Window for reading every byte. */
export const SCAN_WINDOW_BYTES = 1 << 20;
/** Window for hopping from header to header. */
export const HOP_WINDOW_BYTES = 8192;

/** What is wrong with a block whose subject filter is not the one that its header means. */
export const BAD_FILTER = 'subject filter fails its CRC';

/** Where no block stands. */
export type NoBlock =
  /** The blocks end here: with the file, or with the footer of a finished segment. */
  | { readonly kind: 'end'; readonly offset: number; readonly isFinished: boolean }
  /** A beginning of a block or of a footer, of which the file holds `bytes` bytes and no more. */
  | { readonly kind: 'torn'; readonly offset: number; readonly bytes: number }
  /** Bytes that are no block. `header` is there when the header is sound and only what follows it is not. */
  | { readonly kind: 'bad'; readonly offset: number; readonly reason: string; readonly header?: BlockHeader };

/** A block whose CRCs hold and which cannot be opened: made by another hand, or at another place. */
export interface UnauthenticBlock {
  readonly kind: 'unauthentic';
  readonly offset: number;
  readonly reason: string;
  readonly header: BlockHeader;
  /** `LOG_KEY_MISSING` when there is no key of the number that the header names. */
  readonly failure?: ProtegoError;
}

/** What stands at a place of a segment. `tag` is the block's own, 16 bytes: the next block must name it. */
export type BlockRead =
  | { readonly kind: 'block'; readonly block: BlockView; readonly offset: number; readonly tag: Buffer }
  | UnauthenticBlock
  | NoBlock;

/** The same for a reader that checks the CRCs and opens nothing. */
export type SealedRead =
  { readonly kind: 'sealed'; readonly header: BlockHeader; readonly offset: number; readonly tag: Buffer } | NoBlock;

/** The same for a reader that looks at headers only; what follows the header is there, and unchecked. */
export type HeaderRead = { readonly kind: 'header'; readonly header: BlockHeader; readonly offset: number } | NoBlock;

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

  /** The next block, checked against its CRCs, authenticated and opened. The position moves on only past a whole block. */
  next(cipher: BlockCipher): BlockRead {
    const read = this.peekSealed();
    if (read.kind !== 'sealed') return read;
    const { header, offset, bytes, tag } = read;
    const opened = openPayload(cipher, header, bytes, { segmentFirstSeq: this.segment.firstSeq, offset });
    if (opened.kind !== 'payload') return { ...opened, offset, header };
    const filter = bytes.subarray(BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES + header.filterBytes);
    if (filterCrcOf(filter) !== header.filterCrc) return { kind: 'bad', offset, reason: BAD_FILTER, header };
    const block = BlockView.over(header, opened.payload);
    if (typeof block === 'string') return { kind: 'bad', offset, reason: block, header };
    this.skip(header);
    return { kind: 'block', block, offset, tag };
  }

  /** The next block, checked against its CRCs and left closed. The position moves on only past a whole block. */
  nextSealed(): SealedRead {
    const read = this.peekSealed();
    if (read.kind !== 'sealed') return read;
    const { kind, header, offset, tag } = read;
    this.skip(header);
    return { kind, header, offset, tag };
  }

  /** The header of the next block; the position stays. */
  peekHeader(): HeaderRead {
    const offset = this.position;
    const bytes = this.window.view(offset, BLOCK_HEADER_BYTES);
    if (bytes === undefined) return this.tornAt(offset);
    const header = readBlockHeader(bytes);
    if (typeof header === 'string') return this.footerAt(offset, bytes) ?? { kind: 'bad', offset, reason: header };
    if (!this.window.reaches(offset + blockBytesOf(header))) return this.tornAt(offset);
    return { kind: 'header', header, offset };
  }

  /** The subject filter of the block at the position, unchecked and valid until the next call. */
  peekFilter(header: BlockHeader): Buffer | undefined {
    return this.window.view(this.position + BLOCK_HEADER_BYTES, header.filterBytes);
  }

  /** Moves past the block at the position. */
  skip(header: BlockHeader): void {
    this.position += blockBytesOf(header);
  }

  /** What the file's last bytes say of the footer; undefined while the segment is not finished. */
  trailer(): SegmentTrailer | undefined {
    const fileBytes = this.window.fileBytes();
    const bytes = this.window.copyOf(fileBytes - TRAILER_BYTES, TRAILER_BYTES);
    return bytes === undefined ? undefined : decodeSegmentTrailer(bytes, fileBytes);
  }

  /**
   * The authenticated index of a finished segment; undefined while the segment is not finished; else what is wrong with it.
   *
   * @throws ProtegoError `LOG_KEY_MISSING`
   */
  index(cipher: BlockCipher): SegmentIndex | string | undefined {
    const trailer = this.trailer();
    if (trailer === undefined) return undefined;
    const bytes = this.window.copyOf(trailer.footerOffset, trailer.indexBytes);
    return bytes === undefined
      ? 'footer is not whole'
      : SegmentIndex.open(bytes, trailer, this.segment.firstSeq, cipher);
  }

  /** Bytes at an offset, valid until the next call; undefined when the file ends before. */
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

  private peekSealed(): (SealedRead & { kind: 'sealed'; readonly bytes: Buffer }) | NoBlock {
    const read = this.peekHeader();
    if (read.kind !== 'header') return read;
    const { header, offset } = read;
    const bytes = this.window.view(offset, blockBytesOf(header));
    if (bytes === undefined) return this.tornAt(offset);
    if (crc32c(bytes.subarray(BLOCK_HEADER_BYTES)) !== header.contentCrc)
      return { kind: 'bad', offset, reason: 'content fails its CRC', header };
    const tag = Buffer.from(bytes.subarray(bytes.length - TAG_BYTES));
    return { kind: 'sealed', header, offset, bytes, tag };
  }

  /** What to say when a footer starts here; undefined when none does. */
  private footerAt(offset: number, bytes: Buffer): NoBlock | undefined {
    if (!bytes.subarray(0, FOOTER_MAGIC.length).equals(FOOTER_MAGIC)) return undefined;
    return this.trailer()?.footerOffset === offset ? { kind: 'end', offset, isFinished: true } : this.tornAt(offset);
  }

  private tornAt(offset: number): NoBlock {
    const bytes = Math.max(0, this.window.fileBytes() - offset);
    return bytes === 0 ? { kind: 'end', offset, isFinished: false } : { kind: 'torn', offset, bytes };
  }
}
