import { readdirSync, statSync, type Dirent } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ProtegoError, messageOf } from '@protego/contracts';
import { readBytes, readText, textOf, unreadable } from './artefact-file';

/** A rule file as it was written. */
export interface RuleFile {
  /** Relative to the directory of rules, with `/` between its parts on every platform. */
  readonly path: string;
  readonly text: string;
}

/** Most bytes of one rule file. */
export const RULE_BYTES_MAX = 1_048_576;
/** Most rule files of one set. */
export const RULE_FILES_MAX = 50_000;
/** Most bytes of a JSON-lines file of rules, unpacked. */
export const RULE_PACK_BYTES_MAX = 268_435_456;
const DIRECTORY_DEPTH_MAX = 16;

const RULE_NAME = /\.ya?ml$/;

/**
 * The rule files of a directory (all `*.yml` and `*.yaml` in it and below, without what starts with a dot), of one YAML
 * file, or of a file of JSON lines `{path, id, yaml}`, plain or gzip; sorted by path in UTF-16 code units, so that the
 * order is that of no particular machine.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when something cannot be read, is not UTF-8, or exceeds a bound
 */
export function loadRuleFiles(path: string): RuleFile[] {
  const files = filesAt(path);
  if (files.length > RULE_FILES_MAX)
    throw new ProtegoError('ARTEFACT_INVALID', `\`${path}\` holds more than ${RULE_FILES_MAX} rule files`, { path });
  return files.sort(comparePaths);
}

/** Orders by path in UTF-16 code units, then by text. */
export function comparePaths(a: RuleFile, b: RuleFile): number {
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.text === b.text ? 0 : a.text < b.text ? -1 : 1;
}

function filesAt(path: string): RuleFile[] {
  if (kindOf(path) === 'directory')
    return rulePathsIn(path, '', 0).map((name) => ({ path: name, text: readText(join(path, name), RULE_BYTES_MAX) }));
  if (RULE_NAME.test(path)) return [{ path: basename(path), text: readText(path, RULE_BYTES_MAX) }];
  return filesOfPack(path);
}

function rulePathsIn(root: string, relative: string, depth: number): string[] {
  if (depth > DIRECTORY_DEPTH_MAX) throw unreadable(join(root, relative), 'directories are nested too deep');
  const paths: string[] = [];
  for (const entry of entriesOf(join(root, relative))) {
    if (entry.name.startsWith('.')) continue;
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...rulePathsIn(root, path, depth + 1));
    else if (isRule(entry, join(root, path))) paths.push(path);
  }
  return paths;
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    throw unreadable(directory, messageOf(error));
  }
}

// A link to a file counts (that is how Kubernetes mounts files), a link to a directory does not: it may lead round.
function isRule(entry: Dirent, path: string): boolean {
  if (!RULE_NAME.test(entry.name)) return false;
  return entry.isFile() || (entry.isSymbolicLink() && kindOf(path) === 'file');
}

function kindOf(path: string): 'file' | 'directory' {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    throw unreadable(path, messageOf(error));
  }
}

function filesOfPack(path: string): RuleFile[] {
  const packed = readBytes(path, RULE_PACK_BYTES_MAX);
  const text = textOf(path, packed[0] === 0x1f && packed[1] === 0x8b ? unpack(path, packed) : packed);
  const files: RuleFile[] = [];
  for (const [i, line] of text.split('\n').entries()) if (line.trim() !== '') files.push(fileOfLine(path, line, i + 1));
  return files;
}

function unpack(path: string, packed: Buffer): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: RULE_PACK_BYTES_MAX });
  } catch (error) {
    throw unreadable(path, messageOf(error));
  }
}

function fileOfLine(packPath: string, line: string, lineNumber: number): RuleFile {
  const { path, yaml } = objectOf(line);
  if (!isText(path)) throw badLine(packPath, lineNumber, 'lacks a `path`');
  if (!isText(yaml)) throw badLine(packPath, lineNumber, 'lacks `yaml`');
  if (Buffer.byteLength(yaml) > RULE_BYTES_MAX)
    throw badLine(packPath, lineNumber, `holds a rule of more than ${RULE_BYTES_MAX} bytes`);
  return { path, text: yaml };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed();
}

function badLine(path: string, line: number, problem: string): ProtegoError {
  return new ProtegoError('ARTEFACT_INVALID', `${path}:${line}: line ${problem}`, { path, line });
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
  } catch {
    // A line that is not JSON has no path either, and is reported as such by the caller.
    return {};
  }
}
