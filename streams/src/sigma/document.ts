import { parseCondition } from './condition';
import type { SigmaCorrelation } from './correlation';
import { parseCorrelation } from './correlation-parser';
import { anyOf, type SigmaExpression } from './expression';
import { parseHeader } from './header';
import { NO_PLACEHOLDERS, type Placeholders } from './placeholders';
import { quote, rejectAt, warningAt, type SigmaProblem } from './problem';
import { parseSelection } from './selection';
import type { SigmaLogsource, SigmaRule } from './rule';
import { MapReader } from './yaml-read';
import { parseYamlTrees, type YamlMap, type YamlNode } from './yaml-tree';

/** One document of a Sigma file. */
export type SigmaDocument = SigmaRule | SigmaCorrelation;

/** A document and what is odd about it. */
export interface ReadDocument {
  readonly document: SigmaDocument;
  readonly warnings: readonly SigmaProblem[];
}

/**
 * Reads a file of Sigma rules and correlations, one or more YAML documents.
 *
 * @throws ProtegoError with details `{path, line, column}`: `SIGMA_YAML_INVALID`, `SIGMA_RULE_INVALID`,
 *   `SIGMA_MODIFIER_UNSUPPORTED`, `SIGMA_PLACEHOLDER_UNKNOWN`, `SIGMA_CONDITION_INVALID`, `SIGMA_REGEX_UNSUPPORTED`, `SIGMA_CORRELATION_INVALID`
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
  for (const key of ['filter', 'action']) {
    if (tree.entries.has(key)) rejectAt('SIGMA_RULE_INVALID', `\`${key}\` documents are not supported`, tree.at);
  }
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
    document: { kind: 'rule', ...header, logsource, detection: parseDetection(detection, placeholders) },
    warnings,
  };
}

function parseLogsource(parent: MapReader): SigmaLogsource {
  const reader = parent.child('logsource');
  const logsource: { -readonly [Key in keyof SigmaLogsource]: SigmaLogsource[Key] } = {};
  for (const key of ['product', 'category', 'service'] as const) {
    const text = reader?.text(key);
    if (text !== undefined) logsource[key] = text.toLowerCase();
  }
  return logsource;
}

function parseDetection(reader: MapReader, placeholders: Placeholders): SigmaExpression {
  const selections = new Map<string, SigmaExpression>();
  for (const [name, node] of reader.map.entries) {
    if (name !== 'condition' && name !== 'timeframe') selections.set(name, parseSelection(node, placeholders));
  }
  if (selections.size === 0) reader.reject('`detection` has no selection', 'detection');
  const node = reader.node('condition');
  if (node === undefined) return rejectAt('SIGMA_CONDITION_INVALID', '`condition` is missing', reader.map.at);
  const conditions = node.kind === 'list' ? node.items : [node];
  if (conditions.length === 0) rejectAt('SIGMA_CONDITION_INVALID', '`condition` is empty', node.at);
  return anyOf(
    conditions.map((condition) => {
      if (condition.kind === 'scalar') return parseCondition(condition.text, selections, condition.at);
      return rejectAt('SIGMA_CONDITION_INVALID', `${quote('condition')} must be text`, condition.at);
    }),
  );
}
