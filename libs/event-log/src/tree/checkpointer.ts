import { ProtegoError, type Clock } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';
import { signCheckpoint, type Checkpoint } from './checkpoint';
import { CheckpointFiles, type SignedCheckpoint } from './checkpoint-files';
import type { LogFileLayer } from '../writer/file-layer';
import type { MerkleTree } from './merkle-tree';
import { prefixRoots } from './proof';
import { systemSchedule, type Schedule } from '../writer/schedule';
import { errorOf } from './tile-disk';
import { tileMismatch } from './tile-path';
import { TileStore } from './tile-store';
import type { TileWriter } from './tile-writer';

/** When a log signs a checkpoint. */
export interface CheckpointPolicy {
  /** So many records after the one before. */
  readonly everyRecords: number;
  /** At the latest so many milliseconds after the first record that the one before does not cover. */
  readonly everyMs: number;
}

/** How the checkpoints of a log are made. */
export interface CheckpointerOptions {
  /** Directory of the log. */
  readonly directory: string;
  readonly layer: LogFileLayer;
  /** Name of the log, and of its key. */
  readonly origin: string;
  readonly signer: NoteSigner;
  /** Its tiles, opened on the same tree. */
  readonly tiles: TileWriter;
  /** The recovered tree, before anything is appended to it. */
  readonly tree: MerkleTree;
  /** The checkpoint that was signed last ({@link readSignedState}). */
  readonly signed: SignedCheckpoint | undefined;
  readonly policy: CheckpointPolicy;
  readonly clock: Clock;
  readonly schedule?: Schedule;
}

/** Called with every new checkpoint, after it is on the disk. What it throws is dropped: it must see to its own failures. */
export type CheckpointListener = (checkpoint: SignedCheckpoint) => void;

/** Subscribers of one log. */
const LISTENERS_MAX = 64;

/**
 * Signs the durable tree of a log from time to time (C2SP tlog-checkpoint). What it has signed is on the disk, with all tiles
 * of that size, before anybody hears of it. It never signs a tree that an earlier checkpoint of the log is not a prefix of.
 */
export class Checkpointer {
  private readonly listeners = new Set<CheckpointListener>();
  private durableSize: number;
  private durableRoot: Buffer;
  private cancelTimer: (() => void) | undefined;
  private signing: Promise<SignedCheckpoint | undefined> = Promise.resolve(undefined);
  private isWaiting = false;
  private failed: Error | undefined;

  private constructor(
    private readonly options: CheckpointerOptions,
    private readonly files: CheckpointFiles,
    private signed: SignedCheckpoint | undefined,
  ) {
    this.durableSize = options.tree.size;
    this.durableRoot = options.tree.root();
    this.signWhenDue();
  }

  /**
   * Compares the recovered tree with the latest checkpoint, and goes on from there.
   *
   * @throws ProtegoError `LOG_TRUNCATED` when the checkpoint covers more records than there are, `LOG_FORKED` when the
   *   records before it are others, `LOG_TILE_MISMATCH`
   */
  static async open(options: CheckpointerOptions): Promise<Checkpointer> {
    const { directory, layer, signed, clock } = options;
    if (signed !== undefined) checkPrefix(options, signed);
    const files = await CheckpointFiles.open(directory, layer, signed, clock.wallMs());
    return new Checkpointer(options, files, signed);
  }

  /** The latest checkpoint that was signed; undefined in a log that has none yet. */
  get latest(): SignedCheckpoint | undefined {
    return this.signed;
  }

  /** Why no checkpoint can be signed any more; undefined while all is well. */
  get failure(): Error | undefined {
    return this.failed;
  }

  /** Calls the listener with every checkpoint from now on; returns how to end that. */
  onCheckpoint(listener: CheckpointListener): () => void {
    if (this.listeners.size >= LISTENERS_MAX) {
      throw new ProtegoError('INTERNAL', `more than ${LISTENERS_MAX} listeners wait for checkpoints`);
    }
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells that the first `size` records, with this root, are durable. To be called after the same of the tiles. */
  durable(size: number, root: Buffer): void {
    this.durableSize = size;
    this.durableRoot = root;
    this.signWhenDue();
  }

  /**
   * Signs the durable tree now; undefined for a log without records. A tree that is signed already gives its checkpoint.
   *
   * @throws ProtegoError what writing tiles or checkpoints has failed with; final
   */
  sign(): Promise<SignedCheckpoint | undefined> {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.signing = this.signing.then(() => this.signNow());
    // Whoever asked is told; the next who asks must be told too, and nobody else waits for this promise.
    this.signing.catch(() => undefined);
    return this.signing;
  }

  /** Signs what is durable and not signed yet, and ends. To be called before the tiles are closed. */
  async close(): Promise<SignedCheckpoint | undefined> {
    try {
      return await this.sign();
    } finally {
      this.failed ??= new ProtegoError('LOG_CLOSED', 'the log is closed');
      this.cancelTimer?.();
      this.listeners.clear();
      await this.files.close();
    }
  }

  private signWhenDue(): void {
    const uncovered = this.durableSize - (this.signed?.size ?? 0);
    if (uncovered <= 0 || this.isWaiting || this.failed !== undefined) return;
    const { everyRecords, everyMs } = this.options.policy;
    if (uncovered >= everyRecords) this.signInBackground();
    else this.cancelTimer ??= (this.options.schedule ?? systemSchedule)(() => this.signInBackground(), everyMs);
  }

  private signInBackground(): void {
    this.isWaiting = true;
    const done = (): void => {
      this.isWaiting = false;
      this.signWhenDue();
    };
    this.sign().then(done, done);
  }

  private async signNow(): Promise<SignedCheckpoint | undefined> {
    if (this.failed !== undefined) throw this.failed;
    if (this.signed?.size === this.durableSize || this.durableSize === 0) return this.signed;
    try {
      const expected = { size: this.durableSize, root: this.durableRoot };
      const { size, root } = await this.options.tiles.publish();
      if (size !== expected.size || !root.equals(expected.root)) {
        throw tileMismatch(this.options.directory, `has tiles of another root than its ${expected.size} records`);
      }
      const { origin, signer, clock } = this.options;
      const checkpoint: Checkpoint = { origin, size, root, extensions: [] };
      const note = await signCheckpoint(checkpoint, signer);
      await this.files.record({ note, recordedAt: clock.wallMs() });
      this.signed = { ...checkpoint, note };
    } catch (cause) {
      this.failed = errorOf(cause);
      throw this.failed;
    }
    this.tell(this.signed);
    return this.signed;
  }

  private tell(checkpoint: SignedCheckpoint): void {
    for (const listener of this.listeners) {
      try {
        listener(checkpoint);
      } catch {
        // The checkpoint is signed and kept; a subscriber that fails must not keep the log from signing the next.
      }
    }
  }
}

/** The tiles prove that the checkpoint's tree is a prefix of the recovered one, whose root binds all that they give. */
function checkPrefix({ directory, tree }: CheckpointerOptions, { size, root }: SignedCheckpoint): void {
  checkSize(directory, tree.size, size);
  if (size === 0) return;
  const roots = prefixRoots(new TileStore(directory, tree.size), size);
  if (!roots.second.equals(tree.root())) throw tileMismatch(directory, 'has tiles that do not fit its records');
  if (roots.first.equals(root)) return;
  const message = `\`${directory}\` has other records than its checkpoint of ${size}`;
  throw new ProtegoError('LOG_FORKED', message, { directory, size });
}

/**
 * Compares the number of records with a checkpoint's.
 *
 * @throws ProtegoError `LOG_TRUNCATED`
 */
export function checkSize(directory: string, records: number, size: number): void {
  if (size <= records) return;
  const message = `\`${directory}\` has ${records} records and a checkpoint of ${size}`;
  throw new ProtegoError('LOG_TRUNCATED', message, { directory, records, size });
}
