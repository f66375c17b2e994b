import type { BlockCipher } from '../blocks/block-cipher';
import { BLOCK_HEADER_BYTES, blockBytesOf, columnOffsets, readUint64, type BlockHeader } from '../blocks/block-format';
import type { BlockView } from '../blocks/block-view';
import type { SegmentCursor } from '../segments/segment-cursor';
import {
  IDENTITY_BYTES,
  ID_BUCKETS,
  TRAILER_BYTES,
  TRAILER_MAGIC,
  SegmentIndex,
  decodeSegmentTrailer,
  isFooterWhole,
} from '../segments/segment-footer';

/** Compares the footer of a segment with its blocks while they are scanned. */
export class FooterCheck {
  private block = 0;
  private identities = 0;
  private problem: string | undefined;
  /** Entries of each bucket, and how many of them have been met. */
  private readonly buckets: DataView[] = [];
  private readonly met = new Uint32Array(ID_BUCKETS);

  private constructor(
    private readonly cursor: SegmentCursor,
    private readonly index: SegmentIndex,
  ) {}

  /** A check of the footer of this segment, or what is wrong with the footer by itself. */
  static open(cursor: SegmentCursor, index: SegmentIndex, cipher: BlockCipher): FooterCheck | string {
    const trailer = cursor.trailer();
    const footer = trailer === undefined ? undefined : cursor.view(trailer.footerOffset, trailer.footerBytes);
    if (trailer === undefined || footer === undefined) return 'footer is not whole';
    if (!isFooterWhole(footer, trailer)) return 'footer fails its CRC';
    const check = new FooterCheck(cursor, index);
    for (let bucket = 0; bucket < ID_BUCKETS && index.identityCount > 0; bucket++) {
      const { offset, bytes } = index.bucketPlace(bucket);
      const start = offset - trailer.footerOffset;
      const plain = index.openBucket(bucket, footer.subarray(start, start + bytes), cipher);
      if (plain === undefined) return `bucket ${bucket} of the ids is not authentic`;
      check.buckets.push(new DataView(plain.buffer, plain.byteOffset, plain.length));
    }
    return check;
  }

  /** Takes the next block. */
  addBlock(block: BlockView, offset: number): void {
    if (this.problem !== undefined) return;
    const i = this.block++;
    const { header } = block;
    if (i >= this.index.blockCount) this.problem = 'footer lists fewer blocks';
    else if (!this.isEntryOf(i, header, offset)) this.problem = `footer describes block ${i} otherwise`;
    else if (!this.isFilterOf(i, header, offset)) this.problem = `footer has another filter for block ${i}`;
    else this.takeIdentities(block);
  }

  /** What is wrong with the footer, once all blocks were taken; undefined when nothing is. */
  finish(end: { readonly seq: number; readonly tag: Buffer; readonly root: Buffer | undefined }): string | undefined {
    const { index } = this;
    if (this.problem !== undefined) return this.problem;
    if (this.block !== index.blockCount || index.endSeq !== end.seq) return 'footer lists other blocks';
    if (this.identities !== index.identityCount) return 'footer lists other ids';
    if (!index.lastTag.equals(end.tag)) return 'footer names another last block';
    return end.root === undefined || index.root.equals(end.root) ? undefined : 'footer names another root';
  }

  private isEntryOf(i: number, header: BlockHeader, offset: number): boolean {
    const entry = this.index.blockAt(i);
    return (
      entry.offset === offset &&
      entry.count === header.count &&
      entry.bytes === blockBytesOf(header) &&
      entry.filterBytes === header.filterBytes &&
      entry.timeMsMin === header.timeMsMin &&
      entry.timeMsMax === header.timeMsMax &&
      entry.arrivedAtMsMin === header.arrivedAtMsMin &&
      entry.arrivedAtMsMax === header.arrivedAtMsMax &&
      entry.types.high === header.types.high &&
      entry.types.low === header.types.low
    );
  }

  private isFilterOf(i: number, header: BlockHeader, offset: number): boolean {
    if (header.filterBytes === 0) return true;
    const stored = this.cursor.view(offset + BLOCK_HEADER_BYTES, header.filterBytes);
    return stored?.equals(this.index.filterAt(i)) === true;
  }

  /** A bucket holds its entries in the order of their records: each is the next one of its bucket. */
  private takeIdentities(block: BlockView): void {
    const { payload, count } = block;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    const at = columnOffsets(count);
    for (let i = 0; i < count; i++) {
      const high = view.getUint32(at.id + 8 * i);
      const low = view.getUint32(at.id + 8 * i + 4);
      if (high === 0 && low === 0) continue;
      this.identities++;
      if (!this.isNextOf(high >>> 24, high, low, view, at.content + 8 * i)) {
        this.problem = `footer has other ids for block ${this.block - 1}`;
        return;
      }
    }
  }

  private isNextOf(number: number, high: number, low: number, view: DataView, contentAt: number): boolean {
    const bucket = this.buckets[number];
    const entryAt = (this.met[number] as number) * IDENTITY_BYTES;
    this.met[number] = (this.met[number] as number) + 1;
    return (
      bucket !== undefined &&
      entryAt + IDENTITY_BYTES <= bucket.byteLength &&
      bucket.getUint32(entryAt) === high &&
      bucket.getUint32(entryAt + 4) === low &&
      bucket.getUint32(entryAt + 8) === view.getUint32(contentAt) &&
      bucket.getUint32(entryAt + 12) === view.getUint32(contentAt + 4)
    );
  }
}

/** An authentic footer that does not stand where it was written, because bytes before it are missing or were put in. */
export interface ShiftedFooter {
  readonly index: SegmentIndex;
  /** Where it stands. */
  readonly offset: number;
}

/** The footer at the end of a file whatever its trailer says of the place; undefined when there is none that is authentic. */
export function footerAtEnd(cursor: SegmentCursor, cipher: BlockCipher): ShiftedFooter | undefined {
  const fileBytes = cursor.fileBytes();
  const end = fileBytes < TRAILER_BYTES ? undefined : cursor.view(fileBytes - TRAILER_BYTES, TRAILER_BYTES);
  if (end?.subarray(24).equals(TRAILER_MAGIC) !== true) return undefined;
  const [written, footerBytes] = [readUint64(end, 0), readUint64(end, 8)];
  const trailer = decodeSegmentTrailer(Buffer.from(end), written + footerBytes + TRAILER_BYTES);
  const offset = fileBytes - TRAILER_BYTES - footerBytes;
  if (trailer === undefined || offset < 0) return undefined;
  const bytes = cursor.view(offset, trailer.indexBytes);
  if (bytes === undefined) return undefined;
  const index = SegmentIndex.open(Buffer.from(bytes), trailer, cursor.segment.firstSeq, cipher);
  return typeof index === 'string' ? undefined : { index, offset };
}
