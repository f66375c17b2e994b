import { parseCondition } from './condition';
import { anyOf, type SigmaExpression } from './expression';
import type { Placeholders } from './placeholders';
import { quote, rejectAt } from './problem';
import { SelectionContext, parseSelection } from './selection';
import type { SigmaLogsource } from './rule';
import type { MapReader } from './yaml-read';

/** Most conditions of one rule. */
const CONDITION_COUNT_MAX = 100;

/** Which records a rule or filter is about; empty where nothing is said. */
export function parseLogsource(parent: MapReader): SigmaLogsource {
  const reader = parent.child('logsource');
  const logsource: { -readonly [Key in keyof SigmaLogsource]: SigmaLogsource[Key] } = {};
  for (const key of ['product', 'category', 'service'] as const) {
    const text = reader?.text(key);
    if (text !== undefined) logsource[key] = text.toLowerCase();
  }
  return logsource;
}

/** Selections by name, and the condition with the selections put in. */
export interface ParsedDetection {
  readonly selections: ReadonlyMap<string, SigmaExpression>;
  readonly detection: SigmaExpression;
}

/**
 * Selections of a `detection`, or of a `filter`, put into its condition. Keys that are no selections are named.
 *
 * @throws ProtegoError `SIGMA_CONDITION_INVALID`, and what selections throw
 */
export function parseDetection(
  reader: MapReader,
  placeholders: Placeholders,
  otherKeys: readonly string[],
): ParsedDetection {
  const selections = new Map<string, SigmaExpression>();
  const context = new SelectionContext(placeholders);
  for (const [name, node] of reader.map.entries) {
    if (!otherKeys.includes(name)) selections.set(name, parseSelection(node, context));
  }
  if (selections.size === 0) rejectAt(reader.code, 'there is no selection', reader.map.at);
  const node = reader.node('condition');
  if (node === undefined) return rejectAt('SIGMA_CONDITION_INVALID', '`condition` is missing', reader.map.at);
  const conditions = node.kind === 'list' ? node.items : [node];
  if (conditions.length === 0) rejectAt('SIGMA_CONDITION_INVALID', '`condition` is empty', node.at);
  if (conditions.length > CONDITION_COUNT_MAX)
    rejectAt('SIGMA_CONDITION_INVALID', `there are more than ${CONDITION_COUNT_MAX} conditions`, node.at);
  const read = conditions.map((condition) => {
    if (condition.kind === 'scalar') return parseCondition(condition, selections);
    return rejectAt('SIGMA_CONDITION_INVALID', `${quote('condition')} must be text`, condition.at);
  });
  return { selections, detection: anyOf(read) };
}
