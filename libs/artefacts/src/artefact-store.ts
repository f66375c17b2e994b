import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ProtegoError, canonicalJson, isProtegoError, messageOf } from '@protego/contracts';
import { readText, sha256Hex, unreadable } from './artefact-file';
import {
  PLACEHOLDERS_FILE,
  SOURCES_FILE,
  loadArtefactSet,
  type ArtefactPlaces,
  type ArtefactSet,
} from './artefact-set';
import type { RuleFile } from './rule-files';

/** Folder of the store within the directory of a log, unless another one is named. */
export const ARTEFACT_STORE_FOLDER = 'artefacts';

const LIST_FILE = 'files.json';
const LIST_BYTES_MAX = 33_554_432;
const SET_NAME = /^[0-9a-f]{64}$/;
const PREFIX = /^[0-9a-f]{8,64}$/;
/** Begins with a dot, so that it is never taken for a set. */
const TEMPORARY = '.new-';
const READ_ONLY = 0o444;
/** A path that stays inside its directory on every platform, and that `loadRuleFiles` finds again. */
const RULE_PATH = /^(?![.])[^/\\\0]{1,240}(\/(?![.])[^/\\\0]{1,240}){0,15}$/;
const RULE_NAME = /\.ya?ml$/;

/** Whether a set is in the store, whole. */
export type StoredSetState = 'stored' | 'damaged' | 'missing';

/**
 * Sets of artefacts by their content: `<directory>/<set>/` holds the rules and declarations of a set as they were written, in
 * the layout of a streams directory, and `files.json` with the digest of each file. Sets are added and never changed.
 */
export class ArtefactStore {
  constructor(
    readonly directory: string,
    private readonly decidingText: ArtefactPlaces['decidingText'],
  ) {}

  /**
   * Stores a set; resolves nothing and changes nothing when it is there already, and replaces one that is damaged. When it returns
   * the set is durable: a crash leaves the whole set, or none.
   *
   * @returns the name of the set
   * @throws ProtegoError `ARTEFACT_INVALID` when the path of a rule cannot be that of a file, or the store cannot be written
   */
  put(artefacts: ArtefactSet): string {
    const { set } = artefacts;
    if (this.stateOf(set) === 'stored') return set;
    const files = filesOf(artefacts);
    const temporary = join(this.directory, `${TEMPORARY}${randomUUID()}`);
    try {
      for (const { path, text } of [...files, listOf(files)]) writeDurably(join(temporary, path), text);
      for (const folder of foldersOf(files)) syncFolder(join(temporary, folder));
      this.#moveIn(temporary, set);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      if (isProtegoError(error)) throw error;
      throw unwritable(this.directory, error);
    }
    return set;
  }

  /**
   * A stored set, every file of it checked.
   *
   * @throws ProtegoError `ARTEFACT_SET_UNKNOWN` when it is not there, `ARTEFACT_SET_DAMAGED` when a file is missing, added or altered
   */
  get(set: string): ArtefactSet {
    const directory = this.#pathOf(set);
    if (!existsSync(directory)) throw unknown(set, this.directory);
    let artefacts: ArtefactSet;
    let listed: string;
    try {
      const places = { rulesPath: join(directory, 'rules'), streamsDir: directory, decidingText: this.decidingText };
      artefacts = loadArtefactSet(places);
      listed = readText(join(directory, LIST_FILE), LIST_BYTES_MAX);
    } catch (cause) {
      throw damaged(set, messageOf(cause), cause);
    }
    if (listOf(filesOf(artefacts)).text !== listed) throw damaged(set, 'its files are not those of `files.json`');
    if (artefacts.set !== set) throw damaged(set, `its files are those of set \`${artefacts.set}\``);
    return artefacts;
  }

  /** Whether a set is there, whole. */
  stateOf(set: string): StoredSetState {
    try {
      this.get(set);
      return 'stored';
    } catch (error) {
      if (!isProtegoError(error)) throw error;
      return error.code === 'ARTEFACT_SET_UNKNOWN' ? 'missing' : 'damaged';
    }
  }

  /** Names of the sets that are there, whole or not, in their order. */
  list(): string[] {
    if (!existsSync(this.directory)) return [];
    try {
      return readdirSync(this.directory)
        .filter((name) => SET_NAME.test(name))
        .sort();
    } catch (error) {
      throw unreadable(this.directory, messageOf(error));
    }
  }

  /**
   * The name of the one set that begins with at least eight hex digits; undefined where none does.
   *
   * @throws ProtegoError `ARTEFACT_SET_UNKNOWN` when several do
   */
  find(prefix: string): string | undefined {
    if (!PREFIX.test(prefix)) return undefined;
    const [found, ...others] = this.list().filter((name) => name.startsWith(prefix));
    if (others.length === 0) return found;
    throw new ProtegoError('ARTEFACT_SET_UNKNOWN', `several stored sets begin with \`${prefix}\``, { prefix });
  }

  #pathOf(set: string): string {
    if (!SET_NAME.test(set)) throw unknown(set, this.directory);
    return join(this.directory, set);
  }

  #moveIn(temporary: string, set: string): void {
    const path = join(this.directory, set);
    // What is damaged makes room; whoever stores the same set at this moment stores the same bytes.
    if (existsSync(path) && this.stateOf(set) === 'damaged') {
      const away = join(this.directory, `${TEMPORARY}${randomUUID()}`);
      renameSync(path, away);
      rmSync(away, { recursive: true, force: true });
    }
    try {
      renameSync(temporary, path);
    } catch (error) {
      if (this.stateOf(set) !== 'stored') throw error;
      rmSync(temporary, { recursive: true, force: true });
    }
    syncFolder(this.directory);
  }
}

/** The files of a set, relative to its directory, in an order of their own. */
function filesOf({ rules, texts }: ArtefactSet): RuleFile[] {
  const files = rules.map(({ path, text }) => ({ path: `rules/${fitting(path)}`, text }));
  requireDistinct(files);
  files.push({ path: `declarations/${SOURCES_FILE}`, text: texts.sources });
  const { placeholders } = texts;
  if (placeholders !== undefined) files.push({ path: `declarations/${PLACEHOLDERS_FILE}`, text: placeholders });
  return files;
}

function listOf(files: readonly RuleFile[]): RuleFile {
  const entries = files.map(({ path, text }) => ({ path, sha256: sha256Hex(text) }));
  return { path: LIST_FILE, text: `${canonicalJson({ version: 1, files: entries })}\n` };
}

function foldersOf(files: readonly RuleFile[]): string[] {
  const folders = new Set(['.', 'rules']);
  for (const { path } of files)
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  return [...folders].sort().reverse();
}

function fitting(path: string): string {
  if (RULE_PATH.test(path) && RULE_NAME.test(path)) return path;
  const message = `rule path \`${path}\` cannot be stored: use relative paths of .yml files, without parts that begin with a dot`;
  throw new ProtegoError('ARTEFACT_INVALID', message, { path });
}

function requireDistinct(files: readonly RuleFile[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) throw new ProtegoError('ARTEFACT_INVALID', `there are two rules at \`${path}\``, { path });
    seen.add(path);
  }
}

function writeDurably(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { flag: 'wx', mode: READ_ONLY, flush: true });
}

function syncFolder(path: string): void {
  mkdirSync(path, { recursive: true });
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function unknown(set: string, directory: string): ProtegoError {
  return new ProtegoError('ARTEFACT_SET_UNKNOWN', `no set \`${set}\` is stored in \`${directory}\``, { set });
}

function damaged(set: string, reason: string, cause?: unknown): ProtegoError {
  return new ProtegoError('ARTEFACT_SET_DAMAGED', `stored set \`${set}\` is damaged: ${reason}`, { set }, { cause });
}

function unwritable(directory: string, cause: unknown): ProtegoError {
  const message = `\`${directory}\` cannot be written: ${messageOf(cause)}`;
  return new ProtegoError('ARTEFACT_INVALID', message, { path: directory }, { cause });
}
