import type { Clock } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';
import { readSignedState, type SignedCheckpoint } from './checkpoint-files';
import { Checkpointer, checkSize, type CheckpointListener, type CheckpointPolicy } from './checkpointer';
import type { LogFileLayer } from '../writer/file-layer';
import type { MerkleTree } from './merkle-tree';
import type { Schedule } from '../writer/schedule';
import { noteKeyId } from './signed-note';
import type { LeafHashReader } from './tile-repair';
import { TileWriter } from './tile-writer';

/** When checkpoints are signed unless something else is asked for. */
export const DEFAULT_CHECKPOINT_POLICY: CheckpointPolicy = { everyRecords: 65_536, everyMs: 10_000 };

/** What publishing a log's tree needs. */
export interface TreePublisherOptions {
  /** Directory of the log. */
  readonly directory: string;
  readonly layer: LogFileLayer;
  /** Name of the log, and of the key that signs its checkpoints. */
  readonly origin: string;
  readonly signer: NoteSigner;
  /** The recovered tree, which the log's writer appends to: every leaf in it is durable, none was appended since. */
  readonly tree: MerkleTree;
  /** Reads leaf hashes back from the records; asked only when tiles were lost or are damaged. */
  readonly readLeafHashes: LeafHashReader;
  readonly clock: Clock;
  readonly policy?: CheckpointPolicy;
  readonly schedule?: Schedule;
}

/**
 * Tiles and checkpoints of one log, behind its writer: attached to the writer's tree, told of what is durable, and never in the
 * way of an acknowledgement.
 */
export class TreePublisher {
  private constructor(
    private readonly tiles: TileWriter,
    private readonly checkpointer: Checkpointer,
  ) {}

  /**
   * Brings tiles and checkpoints in line with the recovered tree, and attaches itself to it.
   *
   * @throws ProtegoError `LOG_TRUNCATED` when the log is shorter than its latest checkpoint, `LOG_FORKED` when its records are
   *   others, `LOG_CHECKPOINT_INVALID` when that is not signed with its key, `LOG_TILE_MISMATCH`; what the layer throws
   */
  static async open(options: TreePublisherOptions): Promise<TreePublisher> {
    const { directory, origin, signer, tree, policy = DEFAULT_CHECKPOINT_POLICY } = options;
    const { publicKey } = signer;
    const signed = readSignedState(directory, [{ name: origin, keyId: noteKeyId(origin, publicKey), publicKey }]);
    if (signed !== undefined) checkSize(directory, tree.size, signed.size);
    const tiles = await TileWriter.open({ ...options, signed });
    try {
      return new TreePublisher(tiles, await Checkpointer.open({ ...options, tiles, signed, policy }));
    } catch (cause) {
      await tiles.close().catch(() => undefined);
      throw cause;
    }
  }

  /** The latest checkpoint that was signed; undefined in a log that has none yet. */
  get latest(): SignedCheckpoint | undefined {
    return this.checkpointer.latest;
  }

  /** The full tiles over records before this seq are durable: such records may expire. */
  get syncedSize(): number {
    return this.tiles.syncedSize;
  }

  /** Why tiles or checkpoints cannot be written any more; undefined while all is well. */
  get failure(): Error | undefined {
    return this.tiles.failure ?? this.checkpointer.failure;
  }

  /** Calls the listener with every checkpoint from now on, after it is on the disk; returns how to end that. */
  onCheckpoint(listener: CheckpointListener): () => void {
    return this.checkpointer.onCheckpoint(listener);
  }

  /** Tells that the first `size` records, with this root, are durable. Never blocks. */
  durable(size: number, root: Buffer): void {
    this.tiles.durable(size);
    this.checkpointer.durable(size, root);
  }

  /**
   * Undefined when the log's writer may go on; else to be awaited, after what is durable was acknowledged, before the next
   * write. Rejects when tiles cannot be written.
   */
  room(): Promise<void> | undefined {
    return this.tiles.room();
  }

  /** Signs the durable tree now; undefined for a log without records. */
  sign(): Promise<SignedCheckpoint | undefined> {
    return this.checkpointer.sign();
  }

  /** Makes the tiles written so far durable, so that the records under them may expire. */
  syncTiles(): Promise<void> {
    return this.tiles.sync();
  }

  /** Signs what is durable, writes what waits, and ends. Returns the last checkpoint. */
  async close(): Promise<SignedCheckpoint | undefined> {
    try {
      return await this.checkpointer.close();
    } finally {
      await this.tiles.close();
    }
  }
}
