import { areWordsAt, viewOf } from '../byte-words';
import { type MessageBytes, type MessageLeaves } from './message-leaves';
import { type MessageLayout } from './message-layout';

/** Most bytes of keys and braces that a tree holds; beyond, it is emptied and learns anew. */
const TREE_BYTES_MAX = 1 << 18;
/** Most layouts that go on differently after the same start. */
const BRANCHES_MAX = 64;

/** What stands behind a scalar: bytes, and then the next scalar or, at the end of a message, nothing. */
interface Branch<T> {
  readonly fixed: DataView;
  readonly next: Branch<T>[];
  /** What is known of messages that end here. */
  readonly value: T | undefined;
}

/**
 * Layouts of messages, as a tree of the bytes between scalars: what several layouts have in common at the front is compared
 * once. Holds keys, and nothing that stood in a scalar.
 */
export class LayoutTree<T> {
  #roots: Branch<T>[] = [];
  #bytes = 0;

  /** Takes up a layout; returns false where it is in the tree already, or has too many neighbours. */
  add({ fixed }: MessageLayout, value: T): boolean {
    const bytes = fixed.reduce((sum, { length }) => sum + length, 0);
    if (this.#bytes + bytes > TREE_BYTES_MAX) this.clear();
    let branches = this.#roots;
    for (let i = 0; i < fixed.length; i++) {
      const part = viewOf(fixed[i] as Uint8Array);
      const isLast = i === fixed.length - 1;
      let branch = branches.find((each) => (each.value !== undefined) === isLast && isSame(each.fixed, part));
      // A message of a layout that is known may still be left to the parser.
      if (branch !== undefined && isLast) return false;
      if (branch === undefined) {
        if (branches.length >= BRANCHES_MAX) return false;
        branch = { fixed: part, next: [], value: isLast ? value : undefined };
        branches.push(branch);
        // Of two of which one is the front of the other, the longer is tried first.
        branches.sort((a, b) => b.fixed.byteLength - a.fixed.byteLength);
        this.#bytes += part.byteLength;
      }
      branches = branch.next;
    }
    return true;
  }

  /** What is known of the layout of a message, with its scalars noted; undefined for none that is known. */
  match(message: MessageBytes, leaves: MessageLeaves): T | undefined {
    let branches = this.#roots;
    let at = message.start;
    for (let leaf = 0; ; leaf++) {
      const branch = branchAt(branches, message, at);
      if (branch === undefined) return undefined;
      if (branch.value !== undefined) return branch.value;
      if (leaf === leaves.leavesMax) return undefined;
      at = leaves.read(message, at + branch.fixed.byteLength, leaf);
      if (at < 0) return undefined;
      branches = branch.next;
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#roots = [];
    this.#bytes = 0;
  }
}

function branchAt<T>(branches: readonly Branch<T>[], message: MessageBytes, at: number): Branch<T> | undefined {
  const { view, end } = message;
  for (let i = 0; i < branches.length; i++) {
    const branch = branches[i] as Branch<T>;
    const { fixed, value } = branch;
    const branchEnd = at + fixed.byteLength;
    const isPossible = value === undefined ? branchEnd < end : branchEnd === end;
    if (isPossible && areWordsAt(view, at, fixed)) return branch;
  }
  return undefined;
}

function isSame(a: DataView, b: DataView): boolean {
  return a.byteLength === b.byteLength && areWordsAt(a, 0, b);
}
