import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { openState, replaceFileDurably, sealState, type SealingLog } from '@protego/event-log';
import {
  RUN_LINES,
  manifestText,
  pieceDamaged,
  type ReplayPorts,
  type RunLines,
  type RunManifest,
} from '@protego/replay';
import { linesOfFile } from './file-lines';

/** Folder in which a run keeps what it needs to go on after it was interrupted. */
const WORK = '.run';
const STATE = 'state';
const STATE_NAME = 'run-progress';
const PIECE = /^piece-(\d{6})\.ndjson$/;
/** Characters that are gathered before they go to the disk. */
const WRITE_CHARACTERS = 262_144;
/** Files that stand only where they have something to say. */
const OPTIONAL: ReadonlySet<RunLines> = new Set(['undecidable']);

/** True for a directory in which a run was interrupted: its work folder holds nothing but what a run puts there. */
export function isWorkOfRun(path: string): boolean {
  const work = join(path, WORK);
  if (!existsSync(work) || !statSync(work).isDirectory()) return false;
  return readdirSync(work).every((name) => name === STATE || name === `${STATE}.partial` || PIECE.test(name));
}

/**
 * How far the run into a directory came, as it wrote that down; undefined where it did not.
 *
 * @throws ProtegoError `REPLAY_STATE_INVALID`, `LOG_KEY_MISSING`
 */
export function writtenProgress(path: string, log: SealingLog): Buffer | undefined {
  const state = join(path, WORK, STATE);
  return existsSync(state) ? openState(log, STATE_NAME, readFileSync(state)) : undefined;
}

/** Where `protego replay` writes: the files of the run, and until it is done what it needs to go on. */
export class RunDirectory {
  readonly #work: string;
  readonly #writers = new Map<RunLines, LineWriter>();

  /** @param isResuming - go on from what an earlier run wrote down; else that is removed */
  constructor(
    readonly path: string,
    private readonly log: SealingLog,
    isResuming: boolean,
  ) {
    this.#work = join(path, WORK);
    mkdirSync(path, { recursive: true });
    if (isResuming && !existsSync(join(this.#work, STATE))) {
      const message = existsSync(join(path, 'manifest.json'))
        ? `the run in \`${path}\` is done: there is nothing to resume`
        : `\`${path}\` holds no run that was interrupted`;
      throw new ProtegoError('USAGE_INVALID', message, { path });
    }
    mkdirSync(this.#work, { recursive: true, mode: 0o700 });
    // The folder itself stays: by it the directory is known as that of a run, should this be cut off.
    if (!isResuming) for (const name of readdirSync(this.#work)) rmSync(join(this.#work, name), { force: true });
    // Results of an earlier run must not pass for those of one that was interrupted.
    rmSync(join(path, 'manifest.json'), { force: true });
  }

  /** What a run writes its lines to. */
  get output(): ReplayPorts['output'] {
    return { line: (kind, text) => this.#writerOf(kind).add(text) };
  }

  /** Sorted pieces, as files in the work folder; what makes them trusted is in the sealed state. */
  get pieces(): ReplayPorts['pieces'] {
    const pathOf = (piece: number): string => join(this.#work, `piece-${String(piece).padStart(6, '0')}.ndjson`);
    return {
      write: (lines) => {
        const known = readdirSync(this.#work).flatMap((name) => PIECE.exec(name)?.[1] ?? []);
        const piece = Math.max(-1, ...known.map(Number)) + 1;
        const writer = new LineWriter(pathOf(piece));
        for (const line of lines) writer.add(line);
        writer.close();
        return piece;
      },
      read: (piece) => {
        const path = pathOf(piece);
        if (!existsSync(path)) throw pieceDamaged(piece);
        return linesOfFile(path);
      },
      remove: (piece) => rmSync(pathOf(piece), { force: true }),
    };
  }

  /** How far the run came, sealed: it holds pseudonyms. */
  get progress(): NonNullable<ReplayPorts['progress']>['store'] {
    const path = join(this.#work, STATE);
    return {
      load: () => writtenProgress(this.path, this.log),
      save: (bytes) => replaceFileDurably(path, sealState(this.log, STATE_NAME, bytes)),
    };
  }

  /** Puts the files of a run in place, the manifest last, and removes what it needed meanwhile. */
  finish(manifest: RunManifest): void {
    for (const kind of RUN_LINES) {
      const path = join(this.path, `${kind}.jsonl`);
      // A list that an earlier run left must not pass for one of this run.
      if (OPTIONAL.has(kind) && !this.#writers.has(kind)) rmSync(path, { force: true });
      else {
        this.#writerOf(kind).close();
        renameSync(`${path}.partial`, path);
      }
    }
    replaceFileDurably(join(this.path, 'manifest.json'), Buffer.from(manifestText(manifest)));
    rmSync(this.#work, { recursive: true, force: true });
  }

  #writerOf(kind: RunLines): LineWriter {
    let writer = this.#writers.get(kind);
    if (writer === undefined) {
      writer = new LineWriter(join(this.path, `${kind}.jsonl.partial`));
      this.#writers.set(kind, writer);
    }
    return writer;
  }
}

/** Writes lines to a new file. */
class LineWriter {
  readonly #file: number;
  #text = '';

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  add(line: string): void {
    this.#text += `${line}\n`;
    if (this.#text.length >= WRITE_CHARACTERS) this.#write();
  }

  /** Makes durable what was written, and ends. */
  close(): void {
    this.#write();
    fsyncSync(this.#file);
    closeSync(this.#file);
  }

  #write(): void {
    const bytes = Buffer.from(this.#text);
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
    this.#text = '';
  }
}
