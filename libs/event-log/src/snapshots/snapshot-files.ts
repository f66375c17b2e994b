import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from 'node:crypto';
import { isProtegoError } from '@protego/contracts';
import { replaceFileDurably } from './replace-file';
import { openState, sealState, type SealingLog } from './sealed-state';

/** Folder within the directory of a log. */
const FOLDER = 'snapshots';
/** Snapshots of one kind that are kept. */
export const SNAPSHOTS_KEPT_MAX = 48;
/** Kinds of snapshots that are kept; the one that got none for longest goes. */
export const SNAPSHOT_KINDS_MAX = 4;
const NAME = /^(\d{16})\.(any|-?\d{1,16})\.state$/;

/** Which state of a log a snapshot holds. */
export interface SnapshotName {
  /** First record that was not judged yet. */
  readonly seq: number;
  /** Latest time before which results may be missing from it, milliseconds; null: none is. */
  readonly floorMs: number | null;
}

/**
 * States of pipelines of one kind, sealed, in the directory of a log. They may be deleted at any time: whoever reads the log from
 * its beginning gets to the same state. What is damaged or cannot be opened counts as not there.
 */
export class SnapshotFiles {
  readonly #folder: string;
  readonly #kind: string;

  /**
   * @param directory - of the log
   * @param kind - all that decides, beside the log, what a state is: code, artefacts, options, erasures, expiries
   */
  constructor(
    private readonly log: SealingLog,
    private readonly directory: string,
    kind: string,
  ) {
    this.#kind = hash('sha256', kind, 'hex');
    this.#folder = join(directory, FOLDER, this.#kind.slice(0, 32));
  }

  /** What there is, in the order of the log. */
  list(): SnapshotName[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .flatMap((name) => {
        const [, seq, floor] = NAME.exec(name) ?? [];
        return seq === undefined ? [] : [{ seq: Number(seq), floorMs: floor === 'any' ? null : Number(floor) }];
      })
      .sort((a, b) => a.seq - b.seq);
  }

  /** A state; undefined where it is gone, or damaged. */
  load(name: SnapshotName): Buffer | undefined {
    try {
      return openState(this.log, this.#boundName(name), readFileSync(this.#pathOf(name)));
    } catch (error) {
      // What cannot be used is made anew from the log.
      if (isProtegoError(error) || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Keeps a state, and lets others go where there are too many: those nearest to their neighbours first. */
  save(name: SnapshotName, state: Uint8Array): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    replaceFileDurably(this.#pathOf(name), sealState(this.log, this.#boundName(name), state));
    this.#thin();
    this.#forgetOldKinds();
  }

  #thin(): void {
    const kept = this.list();
    while (kept.length > SNAPSHOTS_KEPT_MAX) {
      let nearest = 0;
      // The last stays: whoever starts next begins there.
      for (let at = 1; at < kept.length - 1; at++) if (gapAround(kept, at) < gapAround(kept, nearest)) nearest = at;
      rmSync(this.#pathOf(kept[nearest] as SnapshotName), { force: true });
      kept.splice(nearest, 1);
    }
  }

  #forgetOldKinds(): void {
    const parent = join(this.directory, FOLDER);
    const kinds = readdirSync(parent)
      .map((name) => ({ path: join(parent, name), changedMs: statSync(join(parent, name)).mtimeMs }))
      .filter(({ path }) => path !== this.#folder)
      .sort((a, b) => b.changedMs - a.changedMs);
    for (const { path } of kinds.slice(SNAPSHOT_KINDS_MAX - 1)) rmSync(path, { recursive: true, force: true });
  }

  #pathOf({ seq, floorMs }: SnapshotName): string {
    return join(this.#folder, `${String(seq).padStart(16, '0')}.${floorMs ?? 'any'}.state`);
  }

  #boundName({ seq, floorMs }: SnapshotName): string {
    return `snapshot/${this.#kind}/${seq}/${floorMs ?? 'any'}`;
  }
}

/** Deletes all snapshots of a log: they may hold what a person who is to be forgotten did, or what was found in records that expire. */
export function removeSnapshots(directory: string): void {
  rmSync(join(directory, FOLDER), { recursive: true, force: true });
}

function gapAround(names: readonly SnapshotName[], at: number): number {
  const before = at === 0 ? 0 : (names[at - 1] as SnapshotName).seq;
  return (names[at + 1] as SnapshotName).seq - before;
}
