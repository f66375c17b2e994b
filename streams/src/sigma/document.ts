import type { CorrelationReferences, SigmaCorrelation } from './correlation';
import { parseCorrelation } from './correlation-parser';
import { parseDetection, parseLogsource } from './detection-parser';
import { parseFilter, type SigmaFilter } from './filter';
import { parseHeader } from './header';
import { NO_PLACEHOLDERS, type Placeholders } from './placeholders';
import { rejectAt, warningAt, type SigmaProblem } from './problem';
import type { SigmaRule } from './rule';
import { MapReader } from './yaml-read';
import { parseYamlTrees, type YamlMap, type YamlNode } from './yaml-tree';

/** One document of a Sigma file. */
export type SigmaDocument = SigmaRule | SigmaCorrelation | SigmaFilter;

/** A document and what is odd about it. */
export interface ReadDocument {
  readonly document: SigmaDocument;
  readonly warnings: readonly SigmaProblem[];
  /** Of a correlation. */
  readonly references?: CorrelationReferences;
}

/**
 * Reads a file of Sigma rules, correlations and filters, one or more YAML documents.
 *
 * @throws ProtegoError with details `{path, line, column}`: `SIGMA_YAML_INVALID`, `SIGMA_RULE_INVALID`,
 *   `SIGMA_MODIFIER_UNSUPPORTED`, `SIGMA_PLACEHOLDER_UNKNOWN`, `SIGMA_CONDITION_INVALID`, `SIGMA_REGEX_UNSUPPORTED`, `SIGMA_CORRELATION_INVALID`,
 *   `SIGMA_FILTER_INVALID`
 */
export function parseSigmaFile(text: string, path: string, placeholders = NO_PLACEHOLDERS): SigmaDocument[] {
  const trees = parseYamlTrees(text, path);
  if (trees.length === 0) rejectAt('SIGMA_RULE_INVALID', 'the file holds no rule', { path, line: 1, column: 1 });
  return trees.map((tree, index) => readDocument(tree, index, placeholders).document);
}

/**
 * Reads one document; `index` counts the documents of its file from 0.
 *
 * @throws ProtegoError as {@link parseSigmaFile} does, apart from `SIGMA_YAML_INVALID` for syntax
 */
export function readDocument(tree: YamlNode, index: number, placeholders: Placeholders): ReadDocument {
  if (tree.kind !== 'map') return rejectAt('SIGMA_RULE_INVALID', 'a rule is a mapping', tree.at);
  if (tree.entries.has('correlation')) return parseCorrelation(tree, index);
  if (tree.entries.has('filter')) return parseFilter(tree, index, placeholders);
  if (tree.entries.has('action')) rejectAt('SIGMA_RULE_INVALID', '`action` documents are not part of Sigma 2', tree.at);
  return parseRule(tree, index, placeholders);
}

function parseRule(
  map: YamlMap,
  index: number,
  placeholders: Placeholders,
): { document: SigmaRule; warnings: SigmaProblem[] } {
  const { header, warnings } = parseHeader(map, 'SIGMA_RULE_INVALID', index);
  const reader = new MapReader(map, 'SIGMA_RULE_INVALID');
  const logsource = parseLogsource(reader);
  if (Object.keys(logsource).length === 0) {
    warnings.push(warningAt('SIGMA_RULE_INVALID', '`logsource` is missing: the rule matches no record', map.at));
  }
  const detection = reader.child('detection') ?? reader.reject('`detection` is missing', 'detection');
  if (detection.node('timeframe') !== undefined) {
    warnings.push(warningAt('SIGMA_RULE_INVALID', '`timeframe` has no effect; write a correlation', detection.map.at));
  }
  return {
    document: {
      kind: 'rule',
      ...header,
      logsource,
      ...parseDetection(detection, placeholders, ['condition', 'timeframe']),
    },
    warnings,
  };
}
