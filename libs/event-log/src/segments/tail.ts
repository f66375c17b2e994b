import { crc32c } from '@node-rs/crc32';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC,
  blockBytesOf,
  readBlockHeader,
  type BlockHeader,
} from '../blocks/block-format';
import type { SegmentCursor } from './segment-cursor';

const CHUNK_BYTES = 1 << 20;
/** Least unit that a disk writes or leaves out. */
const SECTOR_BYTES = 512;
/** Zeros at the end of a file that are no end of a block. */
const END_ZEROS_MIN = 4;

/** A whole block that was found by looking for one. */
export interface FoundBlock {
  readonly header: BlockHeader;
  readonly offset: number;
}

/** The first whole block after `offset`, whatever stands between. */
export function findBlockAfter(cursor: SegmentCursor, offset: number): FoundBlock | undefined {
  const fileBytes = cursor.fileBytes();
  for (let at = offset + 1; at < fileBytes;) {
    const chunk = cursor.view(at, Math.min(CHUNK_BYTES, fileBytes - at));
    if (chunk === undefined) return undefined;
    const hit = chunk.indexOf(BLOCK_MAGIC);
    if (hit >= 0) {
      const header = wholeBlockAt(cursor, at + hit);
      if (header !== undefined) return { header, offset: at + hit };
    }
    // The magic may lie across the border of two chunks.
    at += hit >= 0 ? hit + 1 : Math.max(1, chunk.length - BLOCK_MAGIC.length + 1);
  }
  return undefined;
}

/**
 * True when a block that is not whole may be the trace of a crash although a whole block follows: all that follow belong to
 * one write with it that was never acknowledged, and the disk left out a sector of it, which reads as zeros.
 */
export function isUnwrittenHole(cursor: SegmentCursor, badOffset: number, badSeq: number, found: FoundBlock): boolean {
  for (let next: FoundBlock | undefined = found; next !== undefined;) {
    // A write that began later tells that this one was durable before: then it was no crash.
    if (next.header.groupFirstSeq > badSeq) return false;
    next = findBlockAfter(cursor, next.offset + blockBytesOf(next.header) - 1);
  }
  return hasUnwrittenSector(cursor, badOffset, found.offset);
}

/**
 * True when a sector, or what of it lies in `[from, to)`, reads as zeros: the disk never wrote it. A block has no such run
 * of zeros of its own: it starts with its magic, and what follows the header is encrypted. At the end of the file a few
 * bytes of zeros are enough: a tag that ends in them by chance is one of 2^32.
 */
export function hasUnwrittenSector(cursor: SegmentCursor, from: number, to: number): boolean {
  for (let at = from; at < to; at = nextSector(at)) {
    const bytes = cursor.view(at, Math.min(nextSector(at), to) - at);
    if (bytes?.every((byte) => byte === 0) === true) return true;
  }
  const isAtEnd = to === cursor.fileBytes() && to - from >= END_ZEROS_MIN;
  return isAtEnd && cursor.view(to - END_ZEROS_MIN, END_ZEROS_MIN)?.every((byte) => byte === 0) === true;
}

const nextSector = (offset: number): number => (Math.floor(offset / SECTOR_BYTES) + 1) * SECTOR_BYTES;

function wholeBlockAt(cursor: SegmentCursor, offset: number): BlockHeader | undefined {
  const bytes = cursor.view(offset, BLOCK_HEADER_BYTES);
  const header = bytes === undefined ? 'file ends' : readBlockHeader(bytes);
  if (typeof header === 'string') return undefined;
  const content = cursor.view(offset + BLOCK_HEADER_BYTES, blockBytesOf(header) - BLOCK_HEADER_BYTES);
  return content !== undefined && crc32c(content) === header.contentCrc ? header : undefined;
}
