import { withoutAsides } from './deciding-text';
import { readDocument } from './document';
import { NO_PLACEHOLDERS, placeholdersIn, type Placeholders } from './placeholders';
import { unlessRefused } from './problem';
import type { SigmaFile } from './rule-set';
import { parseYamlTrees, plainOf, type YamlNode } from './yaml-tree';

/** What one document of a file of rules says, to be compared with another version of it. */
export interface SigmaContent {
  readonly kind: 'rule' | 'correlation' | 'filter';
  readonly id: string;
  readonly title: string;
  readonly path: string;
  /** SHA-256 (hex) of {@link content}: of the document alone, whatever filters apply to it. */
  readonly contentHash: string;
  /** The document as JSON values, without cases and budget. */
  readonly content: unknown;
  /** Names of the placeholders that it expands, each once, in the order of the text. */
  readonly placeholders: readonly string[];
}

/** What the documents of files of rules say, in the order of the files; those that cannot be read are left out. */
export function sigmaContentsOf(
  files: readonly SigmaFile[],
  { placeholders = NO_PLACEHOLDERS }: { readonly placeholders?: Placeholders } = {},
): SigmaContent[] {
  return files.flatMap((file) => {
    const trees = unlessRefused(() => parseYamlTrees(file.text, file.path)) ?? [];
    return trees.flatMap((tree, index) => unlessRefused(() => contentOf(tree, index, placeholders)) ?? []);
  });
}

function contentOf(tree: YamlNode, index: number, placeholders: Placeholders): SigmaContent {
  const { document } = readDocument(tree, index, placeholders);
  const { kind, id, title, path, contentHash } = document;
  const used = [...new Set(expandedNames(tree, false))];
  return { kind, id, title, path, contentHash, content: plainOf(withoutAsides(tree)), placeholders: used };
}

/** Placeholders of the values whose key, or one above it, has the modifier `expand`. */
function expandedNames(node: YamlNode, isExpanded: boolean): string[] {
  if (node.kind === 'scalar') return isExpanded ? placeholdersIn(node.text) : [];
  if (node.kind === 'list') return node.items.flatMap((item) => expandedNames(item, isExpanded));
  return [...node.entries].flatMap(([key, value]) =>
    expandedNames(value, isExpanded || key.split('|').slice(1).includes('expand')),
  );
}
