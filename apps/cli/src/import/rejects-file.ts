import { closeSync, openSync, writeSync } from 'node:fs';

/** Where an import puts what it refused: one JSON line each, opened when the first one comes. */
export class RejectsFile {
  #fd: number | undefined;
  count = 0;
  readonly byCode: Record<string, number> = {};

  constructor(readonly path: string) {}

  add(rejected: { readonly code: string } & Readonly<Record<string, unknown>>): void {
    this.#fd ??= openSync(this.path, 'w');
    writeSync(this.#fd, `${JSON.stringify(rejected)}\n`);
    this.count++;
    this.byCode[rejected.code] = (this.byCode[rejected.code] ?? 0) + 1;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
