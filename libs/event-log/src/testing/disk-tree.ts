import { DiskFile } from './disk-file';
import type { SeededRandom } from './seeded-random';

/** A directory: the entries that everyone sees, and those that the disk holds. */
export class DiskDirectory {
  readonly entries = new Map<string, DiskNode>();
  readonly durable = new Map<string, DiskNode>();
}

/** What a name stands for. */
export type DiskNode = DiskDirectory | DiskFile;

/** One change of names that is on the disk as a whole or not at all. */
interface NameChange {
  readonly sets: readonly { readonly directory: DiskDirectory; readonly name: string; readonly node?: DiskNode }[];
}

/** Content of a file, or undefined for a directory, by path relative to the root; directories come before what is in them. */
export type DiskImage = ReadonlyMap<string, Buffer | undefined>;

/** Directories and their entries. What was not synced is lost in a crash: from some instant on, or here and there. */
export class DiskTree {
  readonly root = new DiskDirectory();
  #pending: NameChange[] = [];

  /** A tree that the disk holds as it is. */
  constructor(image: DiskImage = new Map()) {
    for (const [path, content] of image) {
      const { directory, name } = this.place(path);
      const node = content === undefined ? new DiskDirectory() : new DiskFile(content);
      directory.entries.set(name, node);
      directory.durable.set(name, node);
    }
  }

  /** What stands at a path relative to the root; undefined for nothing. */
  find(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (!(node instanceof DiskDirectory)) return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  /** Gives a name to a node, or takes it away, or both at once. */
  change(...steps: readonly { readonly path: string; readonly node?: DiskNode }[]): void {
    const sets = steps.map(({ path, node }) => ({ ...this.place(path), ...(node === undefined ? {} : { node }) }));
    const change: NameChange = { sets };
    for (const set of sets) apply(set.directory.entries, set.name, set.node);
    this.#pending.push(change);
  }

  /** Makes all entries of a directory durable. */
  sync(directory: DiskDirectory): void {
    this.#pending = this.#pending.filter((change) => {
      if (!change.sets.some((set) => set.directory === directory)) return true;
      settle(change);
      return false;
    });
  }

  /** What the disk holds when the power goes now. */
  afterPowerCut(random: SeededRandom): DiskImage {
    const end = random.integer(0, this.#pending.length);
    // A journal keeps the order of changes; disks without one do not.
    const isJournalled = random.chance(0.7);
    const kept = this.#pending.filter((_, n) => (isJournalled ? n < end : random.chance(0.5)));
    for (const change of kept) settle(change);
    const image = new Map<string, Buffer | undefined>();
    for (const { path, node } of nodesOf(this.root, (directory) => directory.durable)) {
      image.set(path, node instanceof DiskFile ? node.afterPowerCut(random) : undefined);
    }
    return image;
  }

  /** All files that everyone sees, with their paths. */
  files(): { readonly path: string; readonly file: DiskFile }[] {
    const seen = nodesOf(this.root, (directory) => directory.entries);
    return [...seen].flatMap(({ path, node }) => (node instanceof DiskFile ? [{ path, file: node }] : []));
  }

  private place(path: string): { directory: DiskDirectory; name: string } {
    const at = path.lastIndexOf('/');
    const directory = this.find(at < 0 ? '' : path.slice(0, at));
    if (!(directory instanceof DiskDirectory)) throw new Error(`no directory for ${path}`);
    return { directory, name: path.slice(at + 1) };
  }
}

function apply(entries: Map<string, DiskNode>, name: string, node: DiskNode | undefined): void {
  if (node === undefined) entries.delete(name);
  else entries.set(name, node);
}

function settle({ sets }: NameChange): void {
  for (const { directory, name, node } of sets) apply(directory.durable, name, node);
}

function* nodesOf(
  directory: DiskDirectory,
  entriesOf: (directory: DiskDirectory) => ReadonlyMap<string, DiskNode>,
  parent = '',
): Iterable<{ readonly path: string; readonly node: DiskNode }> {
  for (const [name, node] of [...entriesOf(directory)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const path = `${parent}${name}`;
    yield { path, node };
    if (node instanceof DiskDirectory) yield* nodesOf(node, entriesOf, `${path}/`);
  }
}
