import { canonicalJson } from '@protego/contracts';
import { unlessRefused } from './problem';
import { parseYamlTrees, plainOf, type YamlMap, type YamlNode } from './yaml-tree';

/** Members of the key `protego` that decide no detection. */
const ASIDES = ['cases', 'budget'] as const;

/** `cases:` at the start of an indented line, and the lines below that are indented deeper or are items of its list. */
const CASES_BLOCK = /^( +)cases:[ \t]*(?:#.*)?\r?\n(?:(?:\1[ ]+.*|\1-.*|[ \t]*)(?:\r?\n|$))*/gm;

/** An indented line `budget: 0.5`. */
const BUDGET_LINE = /^ +budget:[ \t]*[\d.]+[ \t]*(?:#.*)?(?:\r?\n|$)/gm;

/** A key `protego` that has lost all its members. */
const EMPTY_KEY = /^protego:[ \t]*(?:#.*)?\r?\n(?! )/gm;

/**
 * What of a file of rules decides detections, for a hash of the rules of a run: its text without cases and budgets, which
 * decide none. Those written as indented lines can come, change and go without changing it; where leaving such lines out
 * would change anything else, such as an alias of something inside a case, the canonical JSON of all documents without
 * them stands for the text. A text that cannot be read is returned as it is.
 */
export function decidingText({ path, text }: { readonly path: string; readonly text: string }): string {
  if (!ASIDES.some((key) => text.includes(key))) return text;
  const trees = unlessRefused(() => parseYamlTrees(text, path));
  const kept = trees?.map(withoutAsides);
  if (trees === undefined || kept === undefined || kept.every((tree, index) => tree === trees[index])) return text;
  const content = contentOf(kept);
  const cut = text.replace(CASES_BLOCK, '').replace(BUDGET_LINE, '').replace(EMPTY_KEY, '');
  const rest = unlessRefused(() => parseYamlTrees(cut, path));
  return rest !== undefined && contentOf(rest) === content ? cut : (content ?? text);
}

/**
 * A document without the cases and the budget under its key `protego`, and without that key where nothing else is under
 * it; the document itself where it has neither.
 */
export function withoutAsides(tree: YamlNode): YamlNode {
  const protego = tree.kind === 'map' ? tree.entries.get('protego') : undefined;
  if (tree.kind !== 'map' || protego?.kind !== 'map') return tree;
  if (!ASIDES.some((key) => protego.entries.has(key))) return tree;
  const members = new Map(protego.entries);
  for (const key of ASIDES) members.delete(key);
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

function contentOf(trees: readonly YamlNode[]): string | undefined {
  return unlessRefused(() => canonicalJson(trees.map(withoutEmptyKey).map(plainOf)));
}
