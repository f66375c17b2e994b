import { HeldLogKeys } from './held-log-keys';
import { deriveKey, withDerivedKey } from './key-derivation';
import { type LogKeys } from './log-keys';
import { GuardedBytes } from './memory/guarded-memory';
import { Ed25519KeyPair } from './primitives/ed25519';

const KEY_BYTES = 32;
const SUBJECT_KEY_BYTES = 16;

/** Keys of a log, all derived from one root secret. */
export class DerivedLogKeys extends HeldLogKeys implements LogKeys {
  readonly #root = GuardedBytes.allocate(KEY_BYTES);
  readonly #pair: Ed25519KeyPair;

  /**
   * @param root 32 random bytes; copied
   * @param dataKeyIds numbers of the data keys that exist, ascending; new blocks use the last
   * @param readDataKeyIds reads the numbers anew, for whoever is not the one that makes them
   */
  constructor(
    root: Buffer,
    dataKeyIds: readonly number[],
    private readonly readDataKeyIds: () => Promise<readonly number[]> = () => Promise.resolve([]),
  ) {
    const pair = withDerivedKey(root, 'note-signer/1', (seed) => new Ed25519KeyPair(seed));
    super({
      subjectKey: deriveKey(root, 'subject-filter/1', SUBJECT_KEY_BYTES),
      dedupeKey: deriveKey(root, 'dedupe/1', KEY_BYTES),
      signer: { publicKey: pair.publicKey, sign: (message) => Promise.resolve(pair.sign(message)) },
    });
    this.#root.bytes.set(root);
    this.#pair = pair;
    for (const id of dataKeyIds) this.addDataKey(id);
  }

  async refresh(): Promise<void> {
    this.mustBeOpen();
    // What was closed meanwhile has no root secret any more to read them with.
    const ids = await this.readDataKeyIds().finally(() => this.mustBeOpen());
    const known = new Set(this.dataKeyIds);
    for (const id of ids) if (!known.has(id)) this.addDataKey(id);
  }

  /** Derives a data key and makes it known. */
  addDataKey(id: number): void {
    const context = Buffer.alloc(4);
    context.writeUInt32BE(id);
    this.putDataKey(id, deriveKey(this.#root.bytes, 'data-key/1', KEY_BYTES, { context }));
  }

  /** Wipes every key in memory; each later use throws `LOG_CLOSED`. */
  override close(): void {
    super.close();
    this.#root.free();
    this.#pair.wipe();
  }
}
