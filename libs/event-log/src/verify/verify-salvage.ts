import { crc32c } from '@node-rs/crc32';
import type { BlockCipher } from '../blocks/block-cipher';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC,
  TAG_BYTES,
  blockBytesOf,
  headerWithRange,
  readBlockHeader,
  type BlockHeader,
} from '../blocks/block-format';
import { openPayload } from '../blocks/block-payload';
import { BlockView } from '../blocks/block-view';
import type { SegmentCursor } from '../segments/segment-cursor';
import { FOOTER_MAGIC, type SegmentIndex } from '../segments/segment-footer';

const CHUNK_BYTES = 1 << 20;
/** How many times its length the bytes of a part may be looked at again, inside of blocks that do not open. */
const SEARCH_FACTOR = 8;

/** Where a block belongs. */
export interface BlockPlace {
  readonly firstSeq: number;
  readonly count: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A block that was found, whatever its place. */
export interface FoundBlock {
  readonly header: BlockHeader;
  /** Where it stands. */
  readonly offset: number;
  readonly bytes: number;
  /** False when filter, ciphertext or tag fail their CRC. */
  readonly isWhole: boolean;
  /** Its content, when it is authentic at the place where it stands or at the one where it belongs. */
  readonly block?: BlockView;
  readonly tag?: Buffer;
}

/** What stands in a part of a segment. */
export interface Findings {
  /** In the order of the file. */
  readonly blocks: readonly FoundBlock[];
  /** Where the blocks end: footer, torn beginning of a block, or end of the file. */
  readonly end: number;
}

/** Finds every block with a sound header in `[offset, end)`, whatever stands between, and opens those that can be. */
export class Salvager {
  constructor(
    private readonly cursor: SegmentCursor,
    private readonly cipher: BlockCipher,
  ) {}

  /**
   * @param places where blocks belong, as far as it is known, by their first seq
   * @param from where to begin, and the seq of the block that belongs there
   */
  find(
    from: { readonly seq: number; readonly offset: number },
    end: number,
    places: Map<number, BlockPlace>,
  ): Findings {
    const found: FoundBlock[] = [];
    // What is looked at twice: every header may claim as much as it likes.
    let budget = SEARCH_FACTOR * (end - from.offset);
    const offsets = [...places.values()].map(({ offset }) => offset).sort((a, b) => a - b);
    let at = from.offset;
    while (at < end) {
      const header = this.headerAt(at, end);
      if (header === undefined) {
        if (this.isFooter(at)) return { blocks: this.opened(found, from, places), end: at };
        at = this.nextHeader(at + 1, end) ?? end;
        continue;
      }
      const bytes = blockBytesOf(header);
      const sealed = { header, offset: at, bytes, isWhole: this.isWhole(header, at) };
      const block = this.open(sealed, places.get(header.firstSeq));
      // Only a block that opens has the length that it says.
      const isOpen = block.block !== undefined;
      const next = isOpen ? undefined : this.nextWithin(at, at + bytes, budget > 0 ? end : offsets);
      if (!isOpen) budget -= bytes;
      found.push(next === undefined ? block : { ...block, bytes: next - at, isWhole: false });
      at = next ?? at + bytes;
    }
    return { blocks: this.opened(found, from, places), end };
  }

  /** Where the next block may start inside of one that does not open: at a header, or at one of the given offsets. */
  private nextWithin(at: number, before: number, ends: number | readonly number[]): number | undefined {
    if (typeof ends === 'number') return this.nextHeader(at + 1, before, ends);
    const offset = ends[firstWhere(ends, (listed) => listed > at)];
    return offset !== undefined && offset < before ? offset : undefined;
  }

  private opened(
    found: readonly FoundBlock[],
    from: { readonly seq: number; readonly offset: number },
    places: Map<number, BlockPlace>,
  ): FoundBlock[] {
    if (!places.has(from.seq)) addPlacesInOrder(places, found, from);
    const opened = found.map((block) =>
      block.block === undefined ? this.open(block, places.get(block.header.firstSeq)) : block,
    );
    const byOffset = new Map([...places.values()].map((place) => [place.offset, place]));
    let { seq } = from;
    return opened.map((block, i) => {
      const nextSeq = opened[i + 1]?.header.firstSeq;
      const named = block.block === undefined ? this.renamed(block, seq, nextSeq, byOffset.get(block.offset)) : block;
      seq = named.header.firstSeq + named.header.count;
      return named;
    });
  }

  /**
   * A block that would be authentic here if its header named the records that belong here: then the header was altered, and
   * this is not another block.
   */
  private renamed(
    found: FoundBlock,
    seq: number,
    nextSeq: number | undefined,
    place: BlockPlace | undefined,
  ): FoundBlock {
    const ranges = [
      [place?.firstSeq ?? seq, place?.count ?? found.header.count],
      [seq, (nextSeq ?? seq) - seq],
    ] as const;
    for (const [firstSeq, count] of ranges) {
      const bytes = found.isWhole ? this.cursor.view(found.offset, found.bytes) : undefined;
      if (bytes === undefined || count < 1) continue;
      const headerBytes = headerWithRange(bytes, firstSeq, count);
      const header = readBlockHeader(headerBytes);
      if (typeof header === 'string') continue;
      const whole = Buffer.concat([headerBytes, bytes.subarray(BLOCK_HEADER_BYTES)]);
      const { offset } = found;
      const { kind } = openPayload(this.cipher, header, whole, {
        segmentFirstSeq: this.cursor.segment.firstSeq,
        offset,
      });
      if (kind === 'payload') return { ...found, header };
    }
    return found;
  }

  private open(found: FoundBlock, place: BlockPlace | undefined): FoundBlock {
    if (!found.isWhole) return found;
    for (const offset of new Set([found.offset, place?.offset ?? found.offset])) {
      const bytes = this.cursor.view(found.offset, found.bytes);
      if (bytes === undefined) return found;
      const segmentFirstSeq = this.cursor.segment.firstSeq;
      const opened = openPayload(this.cipher, found.header, bytes, { segmentFirstSeq, offset });
      if (opened.kind !== 'payload') continue;
      const block = BlockView.over(found.header, opened.payload);
      if (typeof block === 'string') return found;
      return { ...found, block, tag: Buffer.from(bytes.subarray(bytes.length - TAG_BYTES)) };
    }
    return found;
  }

  private headerAt(offset: number, end: number): BlockHeader | undefined {
    const bytes = this.cursor.view(offset, BLOCK_HEADER_BYTES);
    const header = bytes === undefined ? 'file ends' : readBlockHeader(bytes);
    return typeof header === 'string' || offset + blockBytesOf(header) > end ? undefined : header;
  }

  private isWhole(header: BlockHeader, offset: number): boolean {
    const content = this.cursor.view(offset + BLOCK_HEADER_BYTES, blockBytesOf(header) - BLOCK_HEADER_BYTES);
    return content !== undefined && crc32c(content) === header.contentCrc;
  }

  private isFooter(offset: number): boolean {
    return this.cursor.view(offset, FOOTER_MAGIC.length)?.equals(FOOTER_MAGIC) === true;
  }

  /** Where the next header starts in `[from, before)`, of a block that ends at `end` at the latest. */
  private nextHeader(from: number, before: number, end = before): number | undefined {
    const stop = Math.min(end, before - 1 + BLOCK_HEADER_BYTES);
    for (let at = from; at < before;) {
      const chunk = this.cursor.view(at, Math.min(CHUNK_BYTES, stop - at));
      if (chunk === undefined) return undefined;
      let hit = chunk.indexOf(BLOCK_MAGIC);
      for (; hit >= 0 && hit + BLOCK_HEADER_BYTES <= chunk.length; hit = chunk.indexOf(BLOCK_MAGIC, hit + 1)) {
        if (at + hit >= before) return undefined;
        const header = readBlockHeader(chunk.subarray(hit, hit + BLOCK_HEADER_BYTES));
        if (typeof header !== 'string' && at + hit + blockBytesOf(header) <= end) return at + hit;
      }
      if (at + chunk.length >= stop) return undefined;
      // Magic or header may lie across the border of two chunks.
      at += hit > 0 ? hit : chunk.length - BLOCK_MAGIC.length + 1;
    }
    return undefined;
  }
}

/** Number of the first item from which on the test holds. */
export function firstWhere<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Places of the blocks of a segment, by their first seq, as its footer lists them. */
export function placesOf(index: SegmentIndex): Map<number, BlockPlace> {
  const places = new Map<number, BlockPlace>();
  let firstSeq = index.firstSeq;
  for (let i = 0; i < index.blockCount; i++) {
    const { offset, count, bytes } = index.blockAt(i);
    places.set(firstSeq, { firstSeq, count, offset, bytes });
    firstSeq += count;
  }
  return places;
}

/** Adds where blocks would stand if those that were found were put in order, up to the first that is missing. */
function addPlacesInOrder(
  places: Map<number, BlockPlace>,
  found: readonly FoundBlock[],
  from: { readonly seq: number; readonly offset: number },
): void {
  let { seq, offset } = from;
  for (const { header, bytes } of [...found].sort((a, b) => a.header.firstSeq - b.header.firstSeq)) {
    if (header.firstSeq < seq) continue;
    if (header.firstSeq > seq) return;
    places.set(seq, { firstSeq: seq, count: header.count, offset, bytes });
    offset += bytes;
    seq += header.count;
  }
}
