import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  artefactSetHash,
  canonicalJson,
  parseFieldDeclarations,
  parseSourceDeclarations,
  type FieldClasses,
  type SourceDeclarations,
} from '@protego/contracts';
import { readText, sha256Hex } from './artefact-file';
import { parsePlaceholders } from './placeholders';
import { comparePaths, loadRuleFiles, type RuleFile } from './rule-files';
import { DECLARATION_BYTES_MAX } from './stream-declarations';

/** All that decides, together with the engine, what the pipeline makes of events. */
export interface ArtefactSet {
  readonly rules: readonly RuleFile[];
  readonly declarations: SourceDeclarations;
  /** What placeholders of rules stand for at this site. */
  readonly placeholders: ReadonlyMap<string, readonly string[]>;
  /** {@link artefactHash} by name: `rules`, `sources` for the declarations of sources, `placeholders` where there is such a file. */
  readonly hashes: Readonly<Record<string, string>>;
  /** Name of the set: `artefactSetHash` of `hashes`. */
  readonly set: string;
  /** Declaration files as they were written; for a store of sets. */
  readonly texts: { readonly sources: string; readonly placeholders?: string };
}

/** Name of the file that declares sources, in `declarations/`. */
export const SOURCES_FILE = 'sources.yaml';
const FIELDS_FILE = 'fields.yaml';
/** Name of the file that declares placeholders, in `declarations/`. */
export const PLACEHOLDERS_FILE = 'placeholders.yaml';

/**
 * SHA-256 (hex) over the canonical JSON (RFC 8785) of `[{path, sha256}]`, sorted by path: the same content gives the
 * same hash whatever the order and place it was read from.
 */
export function artefactHash(files: readonly RuleFile[]): string {
  const entries = [...files].sort(comparePaths).map(({ path, text }) => ({ path, sha256: sha256Hex(text) }));
  return sha256Hex(canonicalJson(entries));
}

/**
 * The sources declared in `<streamsDir>/declarations/sources.yaml`.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when the file cannot be read, `DECLARATION_INVALID` when it is wrong
 */
export function loadSourceDeclarations(streamsDir: string): SourceDeclarations {
  const path = sourcesPath(streamsDir);
  return parseSourceDeclarations(readText(path, DECLARATION_BYTES_MAX), path);
}

/**
 * Which fields are personal, as declared in `<streamsDir>/declarations/fields.yaml`. They decide what is sealed when an
 * event is written and nothing that is made of it later, so that they have no part in the hashes of a run.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when the file cannot be read, `DECLARATION_INVALID` when it is wrong
 */
export function loadFieldClasses(streamsDir: string): FieldClasses {
  const path = join(streamsDir, 'declarations', FIELDS_FILE);
  return parseFieldDeclarations(readText(path, DECLARATION_BYTES_MAX), path);
}

/** Where a set of artefacts is read from. */
export interface ArtefactPlaces {
  /** Directory or file of rules, as {@link loadRuleFiles} takes it. */
  readonly rulesPath: string;
  readonly streamsDir: string;
  /** What of a rule file decides detections, and so is hashed: `decidingText` of `@protego/streams`. */
  readonly decidingText: (file: RuleFile) => string;
}

/**
 * Rules and declarations with their hashes, each file read once, so that what is hashed is what is used.
 *
 * @throws ProtegoError `ARTEFACT_INVALID`, `DECLARATION_INVALID`
 */
export function loadArtefactSet({ rulesPath, streamsDir, decidingText }: ArtefactPlaces): ArtefactSet {
  const path = sourcesPath(streamsDir);
  const text = readText(path, DECLARATION_BYTES_MAX);
  const rules = loadRuleFiles(rulesPath);
  const placeholdersPath = join(streamsDir, 'declarations', PLACEHOLDERS_FILE);
  const placeholdersText = existsSync(placeholdersPath) ? readText(placeholdersPath, DECLARATION_BYTES_MAX) : undefined;
  const hashes = {
    rules: artefactHash(rules.map((file) => ({ path: file.path, text: decidingText(file) }))),
    sources: artefactHash([{ path: SOURCES_FILE, text }]),
    ...(placeholdersText === undefined
      ? {}
      : { placeholders: artefactHash([{ path: PLACEHOLDERS_FILE, text: placeholdersText }]) }),
  };
  return {
    rules,
    declarations: parseSourceDeclarations(text, path),
    placeholders: placeholdersText === undefined ? new Map() : parsePlaceholders(placeholdersText, placeholdersPath),
    hashes,
    set: artefactSetHash(hashes),
    texts: { sources: text, ...(placeholdersText === undefined ? {} : { placeholders: placeholdersText }) },
  };
}

function sourcesPath(streamsDir: string): string {
  return join(streamsDir, 'declarations', SOURCES_FILE);
}
