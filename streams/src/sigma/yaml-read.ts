import type { ErrorCode } from '@protego/contracts';
import { quote, rejectAt } from './problem';
import type { YamlMap, YamlNode } from './yaml-tree';

/** Spellings of booleans in YAML 1.2, and in YAML 1.1, which many published rules were written for. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['no', false],
  ['off', false],
]);

/** Reads the members of one mapping and refuses with one code what has another shape than expected. */
export class MapReader {
  constructor(
    readonly map: YamlMap,
    readonly code: ErrorCode,
  ) {}

  /** The node of a key; undefined when it is missing or null. */
  node(key: string): YamlNode | undefined {
    const node = this.map.entries.get(key);
    return node === undefined || (node.kind === 'scalar' && node.value === null) ? undefined : node;
  }

  /** Text of a key; numbers and booleans as they are written. */
  text(key: string): string | undefined {
    const node = this.node(key);
    return node === undefined ? undefined : this.textOf(node, key);
  }

  /** Texts of a key that holds a list or a single text; empty when it is missing. */
  texts(key: string): string[] {
    const node = this.node(key);
    if (node === undefined) return [];
    return node.kind === 'list' ? node.items.map((item) => this.textOf(item, key)) : [this.textOf(node, key)];
  }

  /** One of the given words. */
  oneOf<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const word = words.find((known) => known === text);
    return word ?? this.reject(`${quote(key)} is ${quote(text)}, not one of ${words.join(', ')}`, key);
  }

  /** A boolean in the spelling of YAML 1.2 or 1.1. */
  boolean(key: string): boolean | undefined {
    const node = this.node(key);
    return node === undefined ? undefined : (booleanOf(node) ?? this.reject(`${quote(key)} is not a boolean`, key));
  }

  /** The mapping of a key. */
  child(key: string): MapReader | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    return node.kind === 'map' ? new MapReader(node, this.code) : this.reject(`${quote(key)} is not a mapping`, key);
  }

  /** Refuses keys other than the given ones. */
  allowOnly(keys: readonly string[]): void {
    for (const key of this.map.entries.keys())
      if (!keys.includes(key))
        rejectAt(this.code, `key ${quote(key)} is not known`, this.map.keyAt.get(key) ?? this.map.at);
  }

  /** Refuses the value of a key. */
  reject(message: string, key: string): never {
    rejectAt(this.code, message, (this.map.entries.get(key) ?? this.map).at);
  }

  /** Text of a scalar node. */
  textOf(node: YamlNode, key: string): string {
    if (node.kind === 'scalar' && node.value !== null) return node.text;
    return rejectAt(this.code, `${quote(key)} must be text`, node.at);
  }
}

/** The boolean that a node spells, in YAML 1.2 or 1.1; undefined when it spells none. */
export function booleanOf(node: YamlNode): boolean | undefined {
  return node.kind === 'scalar' ? BOOLEANS.get(node.text.toLowerCase()) : undefined;
}
