import { ProtegoError } from '@protego/contracts';
import { HASH_BYTES, MerkleTree, nodeHash } from './merkle-tree';

/** Gives hashes of complete subtrees of one tree. */
export interface NodeSource {
  /** Number of leaves of the tree. */
  readonly size: number;
  /**
   * Hash over the 2^height leaves from leaf index · 2^height on, all of which the tree has; height 0 gives leaf hashes.
   *
   * @throws ProtegoError `LOG_TILE_MISMATCH` when the stored hashes are missing or damaged
   */
  node(height: number, index: number): Buffer;
}

/** What an inclusion proof claims: this leaf is in the tree at this place. */
export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Buffer;
  readonly root: Buffer;
}

/** What a consistency proof claims: the first tree is a prefix of the second. */
export interface ConsistencyClaim {
  readonly firstSize: number;
  readonly firstRoot: Buffer;
  readonly secondSize: number;
  readonly secondRoot: Buffer;
}

/**
 * Checks an inclusion proof (RFC 9162, section 2.1.3.2).
 *
 * @throws ProtegoError `LOG_PROOF_INVALID`
 */
export function checkInclusion({ index, size, leafHash, root }: InclusionClaim, proof: readonly Buffer[]): void {
  if (!isCount(index) || !isCount(size) || index >= size)
    throw invalid(`a tree of ${size} leaves has no leaf ${index}`);
  checkLengths([leafHash, ...proof]);
  let at = index;
  let last = size - 1;
  let computed = leafHash;
  for (const sibling of proof) {
    if (last === 0) throw invalid('the proof is too long');
    if (at % 2 === 1 || at === last) {
      computed = nodeHash(sibling, computed);
      while (at % 2 === 0 && at !== 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else computed = nodeHash(computed, sibling);
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw invalid('the proof is too short');
  if (!computed.equals(root)) throw invalid(`leaf ${index} does not lead to the root of ${size} leaves`);
}

/**
 * Checks a consistency proof (RFC 9162, section 2.1.4.2). A first size of 0 is refused: every tree goes on from nothing,
 * so that a proof of it says nothing.
 *
 * @throws ProtegoError `LOG_PROOF_INVALID`
 */
export function checkConsistency(claim: ConsistencyClaim, proof: readonly Buffer[]): void {
  const { firstSize, firstRoot, secondSize, secondRoot } = claim;
  if (!isCount(firstSize) || !isCount(secondSize) || firstSize === 0 || firstSize > secondSize) {
    throw invalid(`no proof leads from ${firstSize} to ${secondSize} leaves`);
  }
  if (firstSize === secondSize) {
    if (proof.length > 0) throw invalid('the proof is too long');
    if (!firstRoot.equals(secondRoot)) throw invalid(`two roots are given for ${firstSize} leaves`);
    return;
  }
  checkLengths([firstRoot, ...proof]);
  const roots = rootsOfConsistency(firstSize, secondSize, isPowerOfTwo(firstSize) ? [firstRoot, ...proof] : proof);
  if (!roots.first.equals(firstRoot)) throw invalid(`the proof does not lead to the root of ${firstSize} leaves`);
  if (!roots.second.equals(secondRoot)) throw invalid(`the proof does not lead to the root of ${secondSize} leaves`);
}

/**
 * Inclusion proof of a leaf: the siblings on its way to the root, lowest first (RFC 9162, section 2.1.3.1).
 *
 * @throws ProtegoError `LOG_PROOF_INVALID` when the source has no such leaf, `LOG_TILE_MISMATCH`
 */
export function makeInclusionProof(source: NodeSource, index: number, size = source.size): Buffer[] {
  if (!isCount(index) || index >= size || size > source.size) {
    throw invalid(`a tree of ${Math.min(size, source.size)} leaves has no leaf ${index}`);
  }
  const proof: Buffer[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      proof.push(subtreeRoot(source, middle, end));
      end = middle;
    } else {
      proof.push(subtreeRoot(source, begin, middle));
      begin = middle;
    }
  }
  return proof.reverse();
}

/**
 * Consistency proof from a first size to a second (RFC 9162, section 2.1.4.1); empty when they are equal.
 *
 * @throws ProtegoError `LOG_PROOF_INVALID` when there can be none, `LOG_TILE_MISMATCH`
 */
export function makeConsistencyProof(source: NodeSource, firstSize: number, secondSize = source.size): Buffer[] {
  if (!isCount(firstSize) || firstSize === 0 || firstSize > secondSize || secondSize > source.size) {
    throw invalid(`no proof leads from ${firstSize} to ${Math.min(secondSize, source.size)} leaves`);
  }
  const proof: Buffer[] = [];
  let begin = 0;
  let end = secondSize;
  while (end !== firstSize) {
    const middle = begin + splitOf(end - begin);
    if (firstSize <= middle) {
      proof.push(subtreeRoot(source, middle, end));
      end = middle;
    } else {
      proof.push(subtreeRoot(source, begin, middle));
      begin = middle;
    }
  }
  // The whole first tree is a subtree of the second only when it is complete: then whoever checks has its root.
  if (begin > 0) proof.push(subtreeRoot(source, begin, end));
  return proof.reverse();
}

/**
 * Roots of the tree of `firstSize` ≥ 1 leaves and of the whole tree, from the same hashes: where the second is the one that is
 * trusted, the first is its prefix.
 *
 * @throws ProtegoError `LOG_TILE_MISMATCH`
 */
export function prefixRoots(source: NodeSource, firstSize: number): { first: Buffer; second: Buffer } {
  const steps: { hash: Buffer; isLeft: boolean }[] = [];
  let begin = 0;
  let end = source.size;
  while (end !== firstSize) {
    const middle = begin + splitOf(end - begin);
    const isLeft = firstSize > middle;
    steps.push({ hash: subtreeRoot(source, isLeft ? begin : middle, isLeft ? middle : end), isLeft });
    if (isLeft) begin = middle;
    else end = middle;
  }
  let first = subtreeRoot(source, begin, end);
  let second = first;
  for (const { hash, isLeft } of steps.reverse()) {
    if (isLeft) first = nodeHash(hash, first);
    second = isLeft ? nodeHash(hash, second) : nodeHash(second, hash);
  }
  return { first, second };
}

/**
 * Root over the leaves from `begin` up to `end` of a subtree as RFC 6962, section 2.1, splits the tree: `begin` is a multiple of
 * the least power of two that is not less than `end - begin`. No leaves give the root of the empty tree.
 */
export function subtreeRoot(source: NodeSource, begin: number, end: number): Buffer {
  const peaks: Buffer[] = [];
  for (let at = begin; at < end;) {
    const { height, leaves } = greatestSubtree(end - at);
    peaks.push(source.node(height, at / leaves));
    at += leaves;
  }
  const last = peaks.pop();
  return last === undefined ? new MerkleTree().root() : peaks.reduceRight((right, left) => nodeHash(left, right), last);
}

/** Number of leaves in the left part of a tree of `leaves` ≥ 2: the greatest power of two below it (RFC 6962, section 2.1). */
export function splitOf(leaves: number): number {
  return greatestSubtree(leaves - 1).leaves;
}

/** Height and leaves of the greatest complete tree within `leaves` ≥ 1. */
function greatestSubtree(leaves: number): { height: number; leaves: number } {
  // Exact for every safe integer: a logarithm would round up just below high powers of two.
  let height = 0;
  let power = 1;
  while (power * 2 <= leaves) {
    power *= 2;
    height++;
  }
  return { height, leaves: power };
}

function rootsOfConsistency(
  firstSize: number,
  secondSize: number,
  proof: readonly Buffer[],
): { first: Buffer; second: Buffer } {
  const [start, ...rest] = proof;
  if (start === undefined) throw invalid('the proof is too short');
  let at = firstSize - 1;
  let last = secondSize - 1;
  const halve = (): void => {
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  };
  while (at % 2 === 1) halve();
  let first = start;
  let second = start;
  for (const sibling of rest) {
    if (last === 0) throw invalid('the proof is too long');
    if (at % 2 === 1 || at === last) {
      first = nodeHash(sibling, first);
      second = nodeHash(sibling, second);
      while (at % 2 === 0 && at !== 0) halve();
    } else second = nodeHash(second, sibling);
    halve();
  }
  if (last !== 0) throw invalid('the proof is too short');
  return { first, second };
}

/** Hashes of other lengths could be joined to the same bytes in two ways. */
function checkLengths(hashes: readonly Buffer[]): void {
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw invalid(`a hash has not ${HASH_BYTES} bytes`);
}

function isPowerOfTwo(count: number): boolean {
  return greatestSubtree(count).leaves === count;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function invalid(reason: string): ProtegoError {
  return new ProtegoError('LOG_PROOF_INVALID', reason);
}
