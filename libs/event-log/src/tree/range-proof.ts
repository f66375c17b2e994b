import { ProtegoError } from '@protego/contracts';
import { HASH_BYTES, MerkleTree, nodeHash } from './merkle-tree';
import { splitOf, subtreeRoot, type NodeSource } from './proof';

/** Leaves from `begin` up to, not including, `end`. */
export interface LeafRange {
  readonly begin: number;
  readonly end: number;
}

/** What a range proof claims: these are all leaves of these ranges, in order, in the tree of this size and root. */
export interface RangeClaim {
  readonly size: number;
  readonly root: Buffer;
  /** At least one; in order, not empty, with a gap between each and the next. */
  readonly ranges: readonly LeafRange[];
  /** Leaf hashes of all ranges end to end, in pieces of any whole number of hashes. */
  readonly leafHashes: Iterable<Buffer>;
}

/** Leaves that are hashed at a time: bounds the memory of a proof over many. */
const PIECE_LEAVES = 4096;

/**
 * Proof for the leaves of the ranges: the roots of the greatest subtrees that hold none of them, from left to right. It
 * generalises the inclusion proof: one range of one leaf has the same hashes in another order.
 *
 * @throws ProtegoError `LOG_PROOF_INVALID` when the ranges are not in the tree, `LOG_TILE_MISMATCH`
 */
export function makeRangeProof(source: NodeSource, ranges: readonly LeafRange[], size = source.size): Buffer[] {
  checkRanges(ranges, size);
  if (size > source.size) throw invalid(`the tree has ${source.size} leaves, not ${size}`);
  const proof: Buffer[] = [];
  walk(ranges, 0, size, {
    outside: (begin, end) => proof.push(subtreeRoot(source, begin, end)),
    inside: () => 0,
    join: () => 0,
  });
  return proof;
}

/**
 * Root of the tree that the leaves and the proof give.
 *
 * @throws ProtegoError `LOG_PROOF_INVALID` when there are too few or too many hashes for the ranges
 */
export function rangeProofRoot(claim: Omit<RangeClaim, 'root'>, proof: readonly Buffer[]): Buffer {
  const { ranges, size } = claim;
  checkRanges(ranges, size);
  const leaves = new LeafQueue(claim.leafHashes);
  let used = 0;
  const root = walk<Buffer>(ranges, 0, size, {
    outside: () => {
      const hash = proof[used++];
      if (hash?.length !== HASH_BYTES) throw invalid('the proof is too short, or a hash of it has not 32 bytes');
      return hash;
    },
    inside: (begin, end) => leaves.rootOf(end - begin),
    join: nodeHash,
  });
  if (used !== proof.length) throw invalid('the proof is too long');
  leaves.checkEmpty();
  return root;
}

/**
 * Checks that these and only these leaves stand in the ranges.
 *
 * @throws ProtegoError `LOG_PROOF_INVALID`
 */
export function checkRangeProof(claim: RangeClaim, proof: readonly Buffer[]): void {
  if (rangeProofRoot(claim, proof).equals(claim.root)) return;
  throw invalid(`the leaves do not lead to the root of ${claim.size} leaves`);
}

interface Visitor<T> {
  outside(begin: number, end: number): T;
  inside(begin: number, end: number): T;
  join(left: T, right: T): T;
}

/** Splits the tree as RFC 6962, section 2.1, does until each part is wholly outside or inside; from left to right. */
function walk<T>(ranges: readonly LeafRange[], begin: number, end: number, visitor: Visitor<T>): T {
  const range = ranges[firstEndingAfter(ranges, begin)];
  if (range === undefined || range.begin >= end) return visitor.outside(begin, end);
  if (range.begin <= begin && end <= range.end) return visitor.inside(begin, end);
  const middle = begin + splitOf(end - begin);
  const left = walk(ranges, begin, middle, visitor);
  return visitor.join(left, walk(ranges, middle, end, visitor));
}

function firstEndingAfter(ranges: readonly LeafRange[], seq: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as LeafRange).end > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Ranges have one spelling only, so that two proofs of the same leaves are equal. */
function checkRanges(ranges: readonly LeafRange[], size: number): void {
  if (!Number.isSafeInteger(size) || ranges.length === 0) throw invalid('a range proof needs a size and a range');
  let least = 0;
  for (const { begin, end } of ranges) {
    const areCounts = Number.isSafeInteger(begin) && Number.isSafeInteger(end);
    if (!areCounts || begin < least || end <= begin || end > size) {
      throw invalid(`range ${begin} to ${end} is empty, out of order, or not within ${size} leaves`);
    }
    least = end + 1;
  }
}

/** Takes leaf hashes from pieces, in order. */
class LeafQueue {
  private readonly pieces: Iterator<Buffer>;
  private piece: Buffer = Buffer.alloc(0);

  constructor(pieces: Iterable<Buffer>) {
    this.pieces = pieces[Symbol.iterator]();
  }

  /** Root over the next `count` leaves. */
  rootOf(count: number): Buffer {
    const tree = new MerkleTree();
    while (tree.size < count) {
      this.refill();
      const taken = Math.min(count - tree.size, this.piece.length / HASH_BYTES, PIECE_LEAVES);
      tree.appendLeaves(this.piece, taken);
      this.piece = this.piece.subarray(taken * HASH_BYTES);
    }
    return tree.root();
  }

  checkEmpty(): void {
    if (this.piece.length > 0 || !this.pieces.next().done) throw invalid('there are more leaves than the ranges hold');
  }

  private refill(): void {
    while (this.piece.length === 0) {
      const next = this.pieces.next();
      if (next.done) throw invalid('there are fewer leaves than the ranges hold');
      if (next.value.length % HASH_BYTES !== 0) throw invalid('a leaf hash has not 32 bytes');
      this.piece = next.value;
    }
  }
}

function invalid(reason: string): ProtegoError {
  return new ProtegoError('LOG_PROOF_INVALID', reason);
}
