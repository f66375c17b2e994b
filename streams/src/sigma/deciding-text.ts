import { canonicalJson, isProtegoError } from '@protego/contracts';
import { parseYamlTrees, plainOf, type YamlMap, type YamlNode } from './yaml-tree';

/** `cases:` at the start of an indented line, and the lines below that are indented deeper or are items of its list. */
const CASES_BLOCK = /^( +)cases:[ \t]*(?:#.*)?\r?\n(?:(?:\1[ ]+.*|\1-.*|[ \t]*)(?:\r?\n|$))*/gm;

/** A key `protego` that has lost all its members. */
const EMPTY_KEY = /^protego:[ \t]*(?:#.*)?\r?\n(?! )/gm;

/**
 * What of a file of rules decides detections, for a hash of the rules of a run: its text without the cases, which decide
 * none. Cases written as indented lines can come, change and go without changing it; where leaving such lines out
 * would change anything else, such as an alias of something inside a case, the canonical JSON of all documents without
 * their cases stands for the text. A text that cannot be read is returned as it is.
 */
export function decidingText({ path, text }: { readonly path: string; readonly text: string }): string {
  if (!text.includes('cases')) return text;
  const trees = attempt(() => parseYamlTrees(text, path));
  const kept = trees?.map(withoutCases);
  if (trees === undefined || kept === undefined || kept.every((tree, index) => tree === trees[index])) return text;
  const content = contentOf(kept);
  const cut = text.replace(CASES_BLOCK, '').replace(EMPTY_KEY, '');
  const rest = attempt(() => parseYamlTrees(cut, path));
  return rest !== undefined && contentOf(rest) === content ? cut : (content ?? text);
}

/** A document without the cases under its key `protego`, and without that key where nothing else is under it. */
export function withoutCases(tree: YamlNode): YamlNode {
  const protego = tree.kind === 'map' ? tree.entries.get('protego') : undefined;
  if (tree.kind !== 'map' || protego?.kind !== 'map' || !protego.entries.has('cases')) return tree;
  const members = new Map(protego.entries);
  members.delete('cases');
  return withoutEmptyKey({ ...tree, entries: new Map(tree.entries).set('protego', { ...protego, entries: members }) });
}

function withoutEmptyKey(tree: YamlNode): YamlNode {
  if (tree.kind !== 'map') return tree;
  const protego = tree.entries.get('protego');
  const isEmpty =
    (protego?.kind === 'map' && protego.entries.size === 0) || (protego?.kind === 'scalar' && protego.value === null);
  if (!isEmpty) return tree;
  const entries = new Map(tree.entries);
  entries.delete('protego');
  return { ...tree, entries } satisfies YamlMap;
}

/** Undefined where the YAML cannot be read or has no canonical form. */
function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return undefined;
  }
}

function contentOf(trees: readonly YamlNode[]): string | undefined {
  return attempt(() => canonicalJson(trees.map(withoutEmptyKey).map(plainOf)));
}
