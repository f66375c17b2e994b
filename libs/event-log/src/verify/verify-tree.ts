import { HASH_BYTES, MerkleTree } from '../tree/merkle-tree';
import { TileStore, treeOfTiles } from '../tree/tile-store';
import type { ExpectedRoot, RootSource } from './verify-checkpoints';
import { rangeText, type ProblemList } from './verify-report';
import type { TileFinding, TileVerifier } from './verify-tiles';

const REASONS: Readonly<Record<TileFinding['reason'], string>> = {
  missing: 'is missing, with the hashes of',
  length: 'has another length than the hashes of',
  hashes: 'does not hold the hashes of',
};

/**
 * The tree that a scan computes, compared on its way with the tiles and with every root that a checkpoint names. Which of
 * record, tile and checkpoint is the altered one follows from the two that agree.
 */
export class TreeFollower {
  /** Undefined while records are missing whose hashes no tile has either. */
  private tree: MerkleTree | undefined = new MerkleTree();
  private waiting: TileFinding[] = [];
  private readonly agreedSize: Record<RootSource, number> = { stored: 0, brought: 0 };
  private readonly isDisagreeing: Record<RootSource, boolean> = { stored: false, brought: false };
  private next = 0;
  private compared = 0;

  /** @param expected in order of size */
  constructor(
    private readonly directory: string,
    private readonly tiles: TileVerifier,
    private readonly expected: readonly ExpectedRoot[],
    private readonly problems: ProblemList,
    /** At this size the partial tiles of the latest checkpoint must be there. */
    private readonly publishedSize: number,
  ) {
    this.tree?.attach(tiles);
    this.settle(this.rootsUpTo(0));
  }

  /** Number of checkpoints whose root was compared. */
  get checkpointCount(): number {
    return this.compared;
  }

  /** Root of the tree; undefined while it is not known. */
  root(): Buffer | undefined {
    return this.tree?.root();
  }

  /** Goes on from a tree that is known from elsewhere. Roots of smaller trees are not compared any more. */
  resume(tree: MerkleTree): void {
    this.restart(tree);
    while ((this.expected[this.next]?.size ?? Infinity) < tree.size) this.next++;
    this.settle(this.rootsUpTo(tree.size));
  }

  /** The tree is not known any more until it is resumed. */
  lose(): void {
    this.tree = undefined;
  }

  /**
   * Adds the leaves of a block. `agrees`: they lead to the root that its header names. `tiles`: they do not, and the tiles
   * do; what differs from the tiles has been reported. `header`: nothing leads to the root in the header.
   */
  appendBlock(hashes: Buffer, root: Buffer): 'agrees' | 'tiles' | 'header' {
    const { tree, next } = this;
    if (tree === undefined) return 'agrees';
    const { size } = tree;
    const peaks = tree.peaks();
    const roots = this.append(tree, hashes);
    if (tree.root().equals(root)) {
      this.settle(roots);
      return 'agrees';
    }
    if (this.tilesGive(tree.size, root)) {
      this.tiles.checkPartials();
      this.waiting.push(...this.tiles.takeFindings());
      this.blameRecords();
      this.next = next;
      this.restart(treeOfTiles(this.directory, tree.size));
      return 'tiles';
    }
    this.tiles.takeFindings();
    this.next = next;
    this.restart(MerkleTree.fromPeaks(size, peaks));
    this.appendAnyway(hashes);
    return 'header';
  }

  /** Adds leaves that no header vouches for. */
  appendAnyway(hashes: Buffer): void {
    if (this.tree !== undefined) this.settle(this.append(this.tree, hashes));
  }

  /** Reports what no checkpoint could decide; to be called at the end of the log. */
  finish(): void {
    if (this.tree !== undefined) this.tiles.checkEdge();
    this.waiting.push(...this.tiles.takeFindings());
    const { stored, brought } = this.isDisagreeing;
    if (stored || brought) this.blameRecords();
    else this.blameTiles();
  }

  private restart(tree: MerkleTree): void {
    this.tree = tree;
    this.tiles.startAt(tree.size);
    tree.attach(this.tiles);
  }

  private append(tree: MerkleTree, hashes: Buffer): { expected: ExpectedRoot; isEqual: boolean }[] {
    const count = hashes.length / HASH_BYTES;
    const end = tree.size + count;
    const roots = [];
    for (let taken = 0; taken < count;) {
      const stop = Math.min(end, this.expected[this.next]?.size ?? Infinity);
      const step = Math.min(count - taken, stop - tree.size);
      tree.appendLeaves(hashes.subarray(taken * HASH_BYTES), step);
      taken += step;
      roots.push(...this.rootsUpTo(tree.size));
    }
    return roots;
  }

  /** Compares the roots of trees of this size, and moves past them. */
  private rootsUpTo(size: number): { expected: ExpectedRoot; isEqual: boolean }[] {
    const roots = [];
    for (; this.expected[this.next]?.size === size; this.next++) {
      const expected = this.expected[this.next] as ExpectedRoot;
      if (size === this.publishedSize && expected.source === 'stored') this.tiles.checkPartials();
      const isEqual = this.tree?.root().equals(expected.root) === true;
      // Whether record or tile differs from what was signed is decided on all hashes up to here.
      if (!isEqual) this.tiles.checkPartials();
      roots.push({ expected, isEqual });
    }
    return roots;
  }

  private settle(roots: readonly { expected: ExpectedRoot; isEqual: boolean }[]): void {
    if (roots.length === 0) return;
    this.waiting.push(...this.tiles.takeFindings());
    for (const { expected, isEqual } of roots) {
      this.compared++;
      if (isEqual) this.agree(expected);
      else this.disagree(expected);
    }
  }

  private agree({ size, source }: ExpectedRoot): void {
    this.blameTiles();
    this.agreedSize[source] = size;
    this.isDisagreeing[source] = false;
  }

  private disagree({ size, root, source, name }: ExpectedRoot): void {
    if (this.waiting.length > 0 && this.tilesGive(size, root)) this.blameRecords();
    else if (!this.isDisagreeing[source]) {
      // Who brings a checkpoint does not take the log's word for where both still were the same.
      const seq = source === 'brought' ? this.agreedSize.brought : Math.max(...Object.values(this.agreedSize));
      this.problems.add({
        code: 'LOG_FORKED',
        kind: 'forked',
        seq,
        seqEnd: size,
        message: `${name} names another root: ${rangeText(seq, size)} may be others than those that were signed`,
      });
    }
    this.isDisagreeing[source] = true;
  }

  private tilesGive(size: number, root: Buffer): boolean {
    try {
      return new TileStore(this.directory, size).root().equals(root);
    } catch {
      return false;
    }
  }

  private blameTiles(): void {
    for (const { file, reason, seq, seqEnd } of this.waiting) {
      const message = `tile \`${file}\` ${REASONS[reason]} ${rangeText(seq, seqEnd)}`;
      this.problems.add({ code: 'LOG_TILE_MISMATCH', kind: 'tile', seq, seqEnd, file, message });
    }
    this.waiting = [];
  }

  private blameRecords(): void {
    for (const { place, reason, seq, seqEnd } of this.waiting) {
      // Tiles of higher levels differ because those below do.
      if (place.level > 0 || reason !== 'hashes') continue;
      const message = `${rangeText(seq, seqEnd)} differ from the tiles, which lead to the signed root`;
      this.problems.add({ code: 'LOG_ROOT_MISMATCH', kind: 'altered', seq, seqEnd, message });
    }
    this.waiting = [];
  }
}
