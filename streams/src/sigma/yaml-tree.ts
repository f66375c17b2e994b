import { createHash } from 'node:crypto';
import { canonicalJson, messageOf } from '@protego/contracts';
import { LineCounter, isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments, type Document } from 'yaml';
import { quote, rejectAt, type SourcePosition } from './problem';

/** One value of a YAML document with its place in the file. */
export type YamlNode = YamlScalar | YamlList | YamlMap;

/** A text, number, boolean or null. */
export interface YamlScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** The value as it is written: `0123` and `1e3` keep their spelling. */
  readonly text: string;
  readonly at: SourcePosition;
}

/** A sequence. */
export interface YamlList {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
  readonly at: SourcePosition;
}

/** A mapping in the order of the file. Keys are text as written. */
export interface YamlMap {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, YamlNode>;
  readonly at: SourcePosition;
}

/** Largest file of rules, UTF-16 code units. */
const FILE_LENGTH_MAX = 4 * 1024 * 1024;
/** Most values of one document after aliases are followed. */
const NODE_COUNT_MAX = 100_000;
/** Deepest nesting of one document; canonical JSON allows 32 levels. */
const DEPTH_MAX = 30;

/**
 * The documents of a YAML 1.2 text, without the empty ones. A syntax error spoils the whole text, because after it no
 * border between documents can be trusted.
 *
 * @throws ProtegoError `SIGMA_YAML_INVALID` with path, line and column: bad syntax, a repeated key, a key that is not
 *   text, an unknown tag, or a document that is too large or too deep
 */
export function parseYamlTrees(text: string, path: string): YamlNode[] {
  if (text.length > FILE_LENGTH_MAX) {
    rejectAt('SIGMA_YAML_INVALID', `the file is longer than ${FILE_LENGTH_MAX} characters`, {
      path,
      line: 1,
      column: 1,
    });
  }
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) rejectAt('SIGMA_YAML_INVALID', error.message, positionAt(error.pos[0], lines, path));
    const isEmpty = document.contents === null || (isScalar(document.contents) && document.contents.value === null);
    return isEmpty ? [] : [new TreeReader(document, lines, path).read(document.contents, 0)];
  });
}

/** SHA-256 (hex) of the canonical JSON of a document, so that neither comments nor the order of keys count. */
export function contentHashOf(node: YamlNode): string {
  try {
    return createHash('sha256')
      .update(canonicalJson(plainOf(node)))
      .digest('hex');
  } catch (error) {
    return rejectAt('SIGMA_YAML_INVALID', messageOf(error), node.at, error);
  }
}

/** The node as JSON values, made anew on each call. Numbers that JSON cannot carry exactly stand as their text. */
export function plainOf(node: YamlNode): unknown {
  if (node.kind === 'list') return node.items.map(plainOf);
  if (node.kind === 'map') {
    const plain = Object.create(null) as Record<string, unknown>;
    for (const [key, value] of node.entries) plain[key] = plainOf(value);
    return plain;
  }
  const isUnsafe =
    typeof node.value === 'number' && Number.isInteger(node.value)
      ? !Number.isSafeInteger(node.value)
      : typeof node.value === 'number' && !Number.isFinite(node.value);
  return isUnsafe ? node.text : node.value;
}

function positionAt(offset: number, lines: LineCounter, path: string): SourcePosition {
  const { line, col } = lines.linePos(offset);
  return { path, line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Turns the nodes of the YAML library into ours and counts them, because aliases can multiply a document. */
class TreeReader {
  #nodeCount = 0;

  constructor(
    readonly document: Document,
    readonly lines: LineCounter,
    readonly path: string,
  ) {}

  read(node: unknown, depth: number): YamlNode {
    const at = this.#positionOf(node);
    this.#nodeCount += 1;
    if (depth > DEPTH_MAX) rejectAt('SIGMA_YAML_INVALID', `nested deeper than ${DEPTH_MAX} levels`, at);
    if (this.#nodeCount > NODE_COUNT_MAX) rejectAt('SIGMA_YAML_INVALID', `more than ${NODE_COUNT_MAX} values`, at);
    if (isAlias(node)) return this.read(node.resolve(this.document), depth + 1);
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.read(item, depth + 1)), at };
    if (isMap(node)) return { kind: 'map', entries: this.#entriesOf(node.items, depth), at };
    return this.#scalarOf(node, at);
  }

  #entriesOf(pairs: readonly unknown[], depth: number): Map<string, YamlNode> {
    const entries = new Map<string, YamlNode>();
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const at = this.#positionOf(pair.key);
      const key = this.#scalarOf(pair.key, at).text;
      // The library compares values, so that `1` and `"1"` pass as different keys.
      if (entries.has(key)) rejectAt('SIGMA_YAML_INVALID', `key ${quote(key)} is repeated`, at);
      entries.set(
        key,
        pair.value === null ? { kind: 'scalar', value: null, text: '', at } : this.read(pair.value, depth + 1),
      );
    }
    return entries;
  }

  #scalarOf(node: unknown, at: SourcePosition): YamlScalar {
    if (node === null || node === undefined) return { kind: 'scalar', value: null, text: '', at };
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string') return { kind: 'scalar', value, text: value, at };
    if (value !== null && typeof value !== 'number' && typeof value !== 'boolean') {
      return rejectAt('SIGMA_YAML_INVALID', 'expected text, a number, a boolean or null', at);
    }
    const source = isScalar(node) ? node.source : undefined;
    return { kind: 'scalar', value, text: source ?? String(value), at };
  }

  #positionOf(node: unknown): SourcePosition {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    return positionAt(range?.[0] ?? 0, this.lines, this.path);
  }
}
