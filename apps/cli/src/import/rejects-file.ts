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
  #lines: string[] = [];
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

  /** @throws ProtegoError `VAULT_FULL` */
  add(rejected: RefusedRecord): void {
    const { seal } = this;
    this.#lines.push(
      seal === undefined ? JSON.stringify(rejected) : sealRefused(rejected, seal.vault, seal.source, seal.nowMs),
    );
    this.count++;
    this.byCode[rejected.code] = (this.byCode[rejected.code] ?? 0) + 1;
  }

  /** Writes what was added since. Keys come first: a line that is found after a crash must be one that can be read. */
  async flush(): Promise<void> {
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    await this.seal?.vault.flush();
    this.#fd ??= openSync(this.path, 'w', 0o600);
    writeSync(this.#fd, lines.map((line) => `${line}\n`).join(''));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
