import { createHash } from 'node:crypto';
import { canonicalJson, messageOf } from '@protego/contracts';
import { LineCounter, isAlias, isMap, isPair, isScalar, isSeq } from 'yaml';
import { quote, rejectAt, type SourcePosition } from './problem';
import { DEPTH_MAX, composeDocuments, positionAt, refuseDepth, type ComposedDocument } from './yaml-documents';

/** One value of a YAML document with its place in the file. */
export type YamlNode = YamlScalar | YamlList | YamlMap;

/** A text, number, boolean or null. */
export interface YamlScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** The value as it is written: `0123` and `1e3` keep their spelling. */
  readonly text: string;
  /** Where the value goes over several lines of the file: those lines, with its quotes or its header. */
  readonly lines?: string;
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
  /** Where each key stands. */
  readonly keyAt: ReadonlyMap<string, SourcePosition>;
  readonly at: SourcePosition;
}

/** Largest file of rules, UTF-16 code units. */
const FILE_LENGTH_MAX = 4 * 1024 * 1024;
/** Most values of one document after aliases are followed. */
const NODE_COUNT_MAX = 100_000;

/**
 * The documents of a YAML 1.2 text, without the empty ones. A syntax error spoils the whole text, because after it no
 * border between documents can be trusted.
 *
 * @throws ProtegoError `SIGMA_YAML_INVALID` with path, line and column: bad syntax, a repeated key, a key that is not
 *   text, an unknown tag, an alias without an anchor, or a document that is too large or too deep
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
  return composeDocuments(text, lines, path).flatMap((document) => {
    const { contents } = document;
    const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
    return isEmpty ? [] : [new TreeReader(document, text, lines, path).read(contents, 0)];
  });
}

/** SHA-256 (hex) of the canonical JSON of a document, so that neither comments nor the order of keys count. */
export function contentHashOf(node: YamlNode): string {
  try {
    return createHash('sha256')
      .update(canonicalJson(plainOf(node)))
      .digest('hex');
  } catch (error) {
    return rejectAt('SIGMA_YAML_INVALID', messageOf(error), unpairedAt(node) ?? node.at, error);
  }
}

/** Place of the first key or value that holds a lone surrogate, which no JSON can carry. */
function unpairedAt(node: YamlNode): SourcePosition | undefined {
  if (node.kind === 'scalar') return node.text.isWellFormed() ? undefined : node.at;
  if (node.kind === 'list') return firstOf(node.items, unpairedAt);
  return firstOf(node.entries, ([key, value]) => (key.isWellFormed() ? unpairedAt(value) : node.keyAt.get(key)));
}

function firstOf<Item, Found>(items: Iterable<Item>, find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
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

/** Turns the nodes of the YAML library into ours and counts them, because aliases can multiply a document. */
class TreeReader {
  #nodeCount = 0;

  constructor(
    readonly document: ComposedDocument,
    readonly text: string,
    readonly lines: LineCounter,
    readonly path: string,
  ) {}

  read(node: unknown, depth: number): YamlNode {
    const at = this.#positionOf(node);
    this.#nodeCount += 1;
    if (depth > DEPTH_MAX) refuseDepth(at);
    if (this.#nodeCount > NODE_COUNT_MAX) rejectAt('SIGMA_YAML_INVALID', `more than ${NODE_COUNT_MAX} values`, at);
    if (isAlias(node)) return this.read(this.document.targets.get(node), depth + 1);
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.read(item, depth + 1)), at };
    if (isMap(node)) return this.#mapOf(node.items, at, depth);
    return this.#scalarOf(node, at);
  }

  #mapOf(pairs: readonly unknown[], at: SourcePosition, depth: number): YamlMap {
    const entries = new Map<string, YamlNode>();
    const keyAt = new Map<string, SourcePosition>();
    // `16` and `0x10` are one key to YAML; `1` and `"1"` are one to us, who take keys as text.
    const values = new Set<YamlScalar['value']>();
    for (const pair of pairs) {
      if (!isPair(pair)) continue;
      const place = this.#positionOf(pair.key);
      const { text, value } = this.#scalarOf(pair.key, place);
      const isRepeated = entries.has(text) || (typeof value !== 'string' && values.has(value));
      if (isRepeated) rejectAt('SIGMA_YAML_INVALID', `key ${quote(text)} is repeated`, place);
      if (typeof value !== 'string') values.add(value);
      keyAt.set(text, place);
      entries.set(text, pair.value === null ? this.#scalarOf(null, place) : this.read(pair.value, depth + 1));
    }
    return { kind: 'map', entries, keyAt, at };
  }

  #scalarOf(node: unknown, at: SourcePosition): YamlScalar {
    if (node === null || node === undefined) return { kind: 'scalar', value: null, text: '', at };
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string') return { kind: 'scalar', value, text: value, ...this.#linesOf(node), at };
    if (value !== null && typeof value !== 'number' && typeof value !== 'boolean') {
      return rejectAt('SIGMA_YAML_INVALID', 'expected text, a number, a boolean or null', at);
    }
    const source = isScalar(node) ? node.source : undefined;
    return { kind: 'scalar', value, text: source ?? String(value), at };
  }

  #linesOf(node: unknown): Pick<YamlScalar, 'lines'> {
    const [start, end] = (isScalar(node) ? node.range : undefined) ?? [0, 0];
    const lines = this.text.slice(start, end);
    return lines.includes('\n') ? { lines } : {};
  }

  #positionOf(node: unknown): SourcePosition {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    return positionAt(range?.[0] ?? 0, this.lines, this.path);
  }
}
