import { isProtegoError } from '@protego/contracts';
import type { SigmaCorrelation } from './correlation';
import { readDocument, type ReadDocument } from './document';
import { NO_PLACEHOLDERS, type Placeholders } from './placeholders';
import { problemOf, type SigmaProblem } from './problem';
import type { SigmaRule } from './rule';
import { parseYamlTrees, type YamlNode } from './yaml-tree';

/** Text of one file of rules. */
export interface SigmaFile {
  readonly path: string;
  readonly text: string;
}

/** All that could be read of a set of files, and what could not. */
export interface SigmaRuleSet {
  /** In the order of the files. */
  readonly rules: readonly SigmaRule[];
  /** Correlations whose rules are all in `rules`. */
  readonly correlations: readonly SigmaCorrelation[];
  /** Rule by id and by name, as correlations refer to it; the first of those that share one. */
  readonly ruleByRef: ReadonlyMap<string, SigmaRule>;
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
  const warnings = read.flatMap((document) => document.warnings);
  const documents = read.map(({ document }) => document);
  const rules = documents.flatMap((document) => (document.kind === 'rule' ? [document] : []));
  const candidates = documents.flatMap((document) => (document.kind === 'correlation' ? [document] : []));
  warnings.push(...repeatedIds(documents));
  const ruleByRef = indexRules(rules);
  const correlations = candidates.filter((correlation) => {
    const missing = correlation.ruleRefs.find((ref) => !ruleByRef.has(ref));
    if (missing !== undefined) problems.push(unknownRef(correlation, missing, candidates));
    return missing === undefined;
  });
  return { rules, correlations, ruleByRef, problems, warnings };
}

function readFile(file: SigmaFile, problems: SigmaProblem[], placeholders: Placeholders): ReadDocument[] {
  const trees = attempt(file.path, problems, () => parseYamlTrees(file.text, file.path));
  if (trees === undefined) return [];
  if (trees.length === 0)
    problems.push({ path: file.path, code: 'SIGMA_RULE_INVALID', message: 'the file holds no rule' });
  return trees.flatMap(
    (tree: YamlNode, index) => attempt(file.path, problems, () => readDocument(tree, index, placeholders)) ?? [],
  );
}

function attempt<Result>(path: string, problems: SigmaProblem[], read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    problems.push(problemOf(error, path));
    return undefined;
  }
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

function indexRules(rules: readonly SigmaRule[]): Map<string, SigmaRule> {
  const ruleByRef = new Map<string, SigmaRule>();
  for (const rule of rules) if (!ruleByRef.has(rule.id)) ruleByRef.set(rule.id, rule);
  for (const rule of rules) if (rule.name !== undefined && !ruleByRef.has(rule.name)) ruleByRef.set(rule.name, rule);
  return ruleByRef;
}

function unknownRef(
  correlation: SigmaCorrelation,
  ref: string,
  correlations: readonly SigmaCorrelation[],
): SigmaProblem {
  const isCorrelation = correlations.some(({ id, name }) => id === ref || name === ref);
  const reason = isCorrelation ? 'is a correlation, which is not supported yet' : 'does not exist or was refused';
  return {
    path: correlation.path,
    code: 'SIGMA_CORRELATION_INVALID',
    message: `correlation \`${correlation.id}\`: rule \`${ref}\` ${reason}`,
  };
}
