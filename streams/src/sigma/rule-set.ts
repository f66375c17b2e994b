import type { SigmaCorrelation } from './correlation';
import { linkCorrelations, type LinkedCorrelation, type UnlinkedCorrelation } from './correlation-links';
import { readDocument, type ReadDocument } from './document';
import { applyFilters, type SigmaFilter } from './filter';
import { NO_PLACEHOLDERS, type Placeholders } from './placeholders';
import { attempt, warningAt, type SigmaProblem } from './problem';
import type { SigmaRule } from './rule';
import { parseYamlTrees, type YamlNode } from './yaml-tree';

/** Text of one file of rules. */
export interface SigmaFile {
  readonly path: string;
  readonly text: string;
}

/** All that could be read of a set of files, and what could not. */
export interface SigmaRuleSet {
  /** In the order of the files, with the filters that apply. */
  readonly rules: readonly SigmaRule[];
  /** Correlations whose members were all read, each after those that it is about. */
  readonly correlations: readonly SigmaCorrelation[];
  /** The same correlations with what they refer to. */
  readonly linked: readonly LinkedCorrelation[];
  /** Filters that are part of some rule. */
  readonly filters: readonly SigmaFilter[];
  /** Documents that were left out, each with its reason. */
  readonly problems: readonly SigmaProblem[];
  /** Oddities of documents that work all the same. */
  readonly warnings: readonly SigmaProblem[];
}

/** How rules are read. */
export interface SigmaOptions {
  /** What the site declares for placeholders; none by default. */
  readonly placeholders?: Placeholders;
}

/** Reads files of rules. A document that is wrong becomes a problem and never keeps the others from working. */
export function compileSigma(
  files: readonly SigmaFile[],
  { placeholders = NO_PLACEHOLDERS }: SigmaOptions = {},
): SigmaRuleSet {
  const problems: SigmaProblem[] = [];
  const read = files.flatMap((file) => readFile(file, problems, placeholders));
  const documents = read.map(({ document }) => document);
  const filtered = applyFilters(
    documents.filter((document) => document.kind === 'rule'),
    documents.filter((document) => document.kind === 'filter'),
  );
  const { linked, ...found } = linkCorrelations(filtered.rules, read.flatMap(unlinkedOf));
  return {
    rules: filtered.rules,
    correlations: linked.map(({ correlation }) => correlation),
    linked,
    filters: filtered.filters,
    problems: [...problems, ...filtered.problems, ...found.problems],
    warnings: [
      ...read.flatMap(({ warnings }) => warnings),
      ...repeatedIds(documents),
      ...filtered.warnings,
      ...found.warnings,
    ],
  };
}

function unlinkedOf({ document, references }: ReadDocument): UnlinkedCorrelation[] {
  return document.kind === 'correlation' && references !== undefined ? [{ document, references }] : [];
}

function readFile(file: SigmaFile, problems: SigmaProblem[], placeholders: Placeholders): ReadDocument[] {
  const trees = attempt(file.path, problems, () => parseYamlTrees(file.text, file.path));
  if (trees === undefined) return [];
  if (trees.length === 0)
    problems.push(warningAt('SIGMA_RULE_INVALID', 'the file holds no rule', { path: file.path, line: 1, column: 1 }));
  return trees.flatMap(
    (tree: YamlNode, index) => attempt(file.path, problems, () => readDocument(tree, index, placeholders)) ?? [],
  );
}

function repeatedIds(documents: readonly { readonly id: string; readonly path: string }[]): SigmaProblem[] {
  const firstPath = new Map<string, string>();
  return documents.flatMap(({ id, path }) => {
    const first = firstPath.get(id);
    if (first === undefined) firstPath.set(id, path);
    if (first === undefined) return [];
    return [{ path, code: 'SIGMA_RULE_INVALID' as const, message: `id \`${id}\` is repeated, first in \`${first}\`` }];
  });
}
