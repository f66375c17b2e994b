import { closeSync, openSync, writeSync } from 'node:fs';
import type { PersonalDataVault } from '@protego/enclave';
import { sealRefused, type RefusedRecord } from '@protego/event-log';

/** Under whose keys, beside those of the persons named in it, a refused record is sealed. */
export interface RejectsSeal {
  readonly vault: PersonalDataVault;
  readonly source: string;
  readonly nowMs: number;
}

/**
 * Where an import puts what it refused: one JSON line each, opened when the first one comes. What was added is written by
 * {@link flush}; await it between batches.
 */
export class RejectsFile {
  #fd: number | undefined;
  #added: RefusedRecord[] = [];
  count = 0;
  readonly byCode: Record<string, number> = {};

  /** @param seal missing writes the records in clear */
  constructor(
    readonly path: string,
    private readonly seal?: RejectsSeal,
  ) {}

  /** Whether its lines are sealed. */
  get isSealed(): boolean {
    return this.seal !== undefined;
  }

  /** Takes the next one; it is kept in memory until {@link flush}. */
  add(rejected: RefusedRecord): void {
    this.#added.push(rejected);
    this.count++;
    this.byCode[rejected.code] = (this.byCode[rejected.code] ?? 0) + 1;
  }

  /**
   * Writes what was added since. Keys come first: a line that is found after a crash must be one that can be read.
   *
   * @throws ProtegoError `VAULT_FULL`
   */
  async flush(): Promise<void> {
    const added = this.#added;
    if (added.length === 0) return;
    this.#added = [];
    // All at once: a vault in another process must not cost a round trip for each.
    const lines = await Promise.all(added.map((each) => this.#lineOf(each)));
    await this.seal?.vault.flush();
    this.#fd ??= openSync(this.path, 'w', 0o600);
    writeSync(this.#fd, lines.map((line) => `${line}\n`).join(''));
  }

  async #lineOf(rejected: RefusedRecord): Promise<string> {
    const { seal } = this;
    return seal === undefined ? JSON.stringify(rejected) : sealRefused(rejected, seal.vault, seal.source, seal.nowMs);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
