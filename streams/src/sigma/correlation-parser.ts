import { parseCondition } from './condition';
import {
  COMPARISONS,
  CORRELATION_TYPES,
  conditionHolds,
  isTemporal,
  measuresNumbers,
  type CorrelationCondition,
  type CorrelationReferences,
  type CorrelationType,
  type MemberExpression,
  type SigmaCorrelation,
  type SigmaReference,
} from './correlation';
import { CORRELATION_ENTRIES_MAX } from './correlation-window';
import type { SigmaExpression } from './expression';
import { parseHeader } from './header';
import { MEMBER_CHAINS_MAX, memberChainsOf } from './member-chains';
import { quote, rejectAt, warningAt, type SigmaProblem } from './problem';
import { timespanMsOf } from './timespan';
import { MapReader } from './yaml-read';
import type { YamlMap, YamlScalar } from './yaml-tree';

const CODE = 'SIGMA_CORRELATION_INVALID';
const RULE_REF_COUNT_MAX = 256;
/** Most rules of an ordered correlation: their runs are kept for each number of rules. */
const ORDERED_RULE_COUNT_MAX = 16;
const FIELD_COUNT_MAX = 16;

/** A correlation as its document tells it. */
export interface ReadCorrelation {
  readonly document: SigmaCorrelation;
  readonly warnings: SigmaProblem[];
  readonly references: CorrelationReferences;
}

/**
 * Reads a correlation (Sigma 2.1, correlation rules), all types of it.
 *
 * @throws ProtegoError `SIGMA_CORRELATION_INVALID`
 */
export function parseCorrelation(map: YamlMap, documentIndex: number): ReadCorrelation {
  const { header, warnings, suppressMs } = parseHeader(map, CODE, documentIndex);
  const top = new MapReader(map, CODE);
  const reader = top.child('correlation') ?? top.reject('`correlation` is empty', 'correlation');
  const known = ['type', 'rules', 'group-by', 'timespan', 'timeframe', 'condition', 'aliases', 'generate'];
  reader.allowOnly(known);
  const type = reader.oneOf('type', CORRELATION_TYPES) ?? reader.reject('`type` is missing', 'type');
  const members = parseMembers(reader, type);
  const aliased: SigmaReference[] = [];
  const document: SigmaCorrelation = {
    kind: 'correlation',
    ...header,
    type,
    ruleRefs: members.map(({ ref }) => ref),
    groupBy: uniqueTexts(reader, 'group-by', FIELD_COUNT_MAX),
    timespanMs: parseTimespan(reader),
    ...parseMeasure(reader, type, members, warnings),
    aliases: parseAliases(reader, aliased),
    // Older files carry `generate` beside `correlation`, as the first version of the specification did.
    generate: reader.boolean('generate') ?? top.boolean('generate') ?? false,
    suppressMs,
  };
  return { document, warnings, references: { members, aliased } };
}

/** Rules that a correlation is about; where `rules` is missing, those that its condition names. */
function parseMembers(reader: MapReader, type: CorrelationType): SigmaReference[] {
  const node = reader.node('rules');
  const condition = reader.node('condition');
  const members: SigmaReference[] = [];
  const add = (member: SigmaReference): void => {
    if (!members.some(({ ref }) => ref === member.ref)) members.push(member);
  };
  if (node !== undefined) {
    for (const item of node.kind === 'list' ? node.items : [node])
      add({ ref: reader.textOf(item, 'rules'), at: item.at });
  } else if (isTemporal(type) && condition?.kind === 'scalar') {
    for (const word of condition.text.match(/[^\s()]+/g) ?? [])
      if (!/^(and|or|not)$/i.test(word)) add({ ref: word, at: condition.at });
  }
  if (members.length === 0) reader.reject('`rules` names no rule', 'rules');
  const countMax = type === 'temporal_ordered' ? ORDERED_RULE_COUNT_MAX : RULE_REF_COUNT_MAX;
  return members.length <= countMax ? members : reader.reject(`\`rules\` has more than ${countMax} members`, 'rules');
}

function uniqueTexts(reader: MapReader, key: string, countMax: number): string[] {
  const texts = [...new Set(reader.texts(key))];
  return texts.length <= countMax ? texts : reader.reject(`\`${key}\` has more than ${countMax} members`, key);
}

function parseTimespan(reader: MapReader): number {
  const keys = ['timespan', 'timeframe'].filter((name) => reader.node(name) !== undefined);
  if (keys.length > 1) reader.reject('`timespan` and `timeframe` are the same; give one', 'timeframe');
  const [key = 'timespan'] = keys;
  const text = reader.text(key) ?? reader.reject('`timespan` is missing', key);
  return timespanMsOf(text, (problem) => reader.reject(`\`${key}\` ${problem}`, key));
}

type Measured = Pick<SigmaCorrelation, 'condition' | 'memberCondition' | 'fields' | 'percentile'>;

function parseMeasure(
  parent: MapReader,
  type: CorrelationType,
  members: readonly SigmaReference[],
  warnings: SigmaProblem[],
): Measured {
  const node = parent.node('condition');
  if (isTemporal(type)) {
    if (node === undefined) return { condition: { gte: members.length }, fields: [] };
    if (node.kind === 'scalar') {
      const memberCondition = parseMemberCondition(node, type, members, warnings);
      return { condition: {}, fields: [], memberCondition };
    }
  }
  const reader = parent.child('condition') ?? parent.reject('`condition` is missing', 'condition');
  reader.allowOnly([...COMPARISONS, 'field', 'percentile']);
  const fields = parseFields(reader, parent, type);
  const percentile = parsePercentile(reader, type);
  const condition = parseBounds(reader, parent);
  const measured = { condition, fields, ...(percentile === undefined ? {} : { percentile }) };
  if (type === 'event_count' || type === 'value_count' || isTemporal(type))
    refuseUnreachable(parent, condition, isTemporal(type) ? members.length : CORRELATION_ENTRIES_MAX);
  else if (type === 'value_percentile' && !measuresNumbers({ type, percentile })) refuseOutsideShare(reader, condition);
  return measured;
}

function parseBounds(reader: MapReader, parent: MapReader): CorrelationCondition {
  const condition: Partial<Record<keyof CorrelationCondition, number>> = {};
  for (const comparison of COMPARISONS) {
    const node = reader.node(comparison);
    if (node === undefined) continue;
    const value = node.kind === 'scalar' ? node.value : undefined;
    if (typeof value !== 'number' || !Number.isFinite(value))
      reader.reject(`\`${comparison}\` is not a number`, comparison);
    else condition[comparison] = value;
  }
  if (Object.keys(condition).length === 0) parent.reject('`condition` compares with no number', 'condition');
  return condition;
}

function parseFields(reader: MapReader, parent: MapReader, type: CorrelationType): string[] {
  const fields = uniqueTexts(reader, 'field', FIELD_COUNT_MAX);
  if (!type.startsWith('value_'))
    return fields.length === 0 ? [] : reader.reject(`\`field\` has no meaning with \`${type}\``, 'field');
  if (fields.length === 0) parent.reject(`\`${type}\` needs \`field\``, 'condition');
  if (fields.length > 1 && type !== 'value_count') reader.reject(`\`${type}\` measures one field`, 'field');
  return fields;
}

function parsePercentile(reader: MapReader, type: CorrelationType): number | undefined {
  const node = reader.node('percentile');
  if (node === undefined) return undefined;
  if (type !== 'value_percentile') reader.reject(`\`percentile\` has no meaning with \`${type}\``, 'percentile');
  const value = node.kind === 'scalar' ? node.value : undefined;
  const isThousandth = typeof value === 'number' && Math.round(value * 1000) / 1000 === value;
  if (!isThousandth || value <= 0 || value > 100)
    return reader.reject('`percentile` must be above 0, at most 100, with at most three decimals', 'percentile');
  return value;
}

// What can never hold would be a rule that looks as if it watched. Counts are asked for when an event comes, which is the
// first to be counted, so that a count is never zero.
function refuseUnreachable(parent: MapReader, condition: CorrelationCondition, countMax: number): void {
  const bounds = Object.values(condition).flatMap((bound) => [Math.floor(bound), Math.floor(bound) + 1]);
  const near = [1, countMax, ...bounds.flatMap((bound) => [bound - 1, bound, bound + 1])];
  const counts = near.filter((count) => count >= 1 && count <= countMax);
  if (counts.some((count) => conditionHolds(condition, (bound) => count - bound))) return;
  parent.reject(
    `\`condition\` holds for no count from 1 to ${countMax}, and none is less: a count is asked for when an event comes`,
    'condition',
  );
}

function refuseOutsideShare(reader: MapReader, condition: CorrelationCondition): void {
  for (const comparison of COMPARISONS) {
    const bound = condition[comparison] ?? 0;
    if (bound < 0 || bound > 100)
      reader.reject(`without \`percentile\` a share is compared, in percent from 0 to 100`, comparison);
  }
}

function parseMemberCondition(
  node: YamlScalar,
  type: CorrelationType,
  members: readonly SigmaReference[],
  warnings: SigmaProblem[],
): MemberExpression {
  const leaves = new Map(members.map(({ ref }): [string, SigmaExpression] => [ref, leafOf(ref)]));
  const refs = members.map(({ ref }) => ref);
  const expression = memberExpressionOf(parseCondition(node, leaves, { code: CODE, noun: 'rule' }), refs);
  const used = new Set(membersIn(expression));
  members.forEach(({ ref, at }, member) => {
    if (!used.has(member))
      warnings.push(warningAt(CODE, `rule ${quote(ref)} has no part in the condition of the correlation`, at));
  });
  const ways = memberChainsOf(expression);
  if (ways?.length === 0) rejectAt(CODE, 'the condition never holds when a rule matched', node.at);
  if (ways === undefined && type === 'temporal_ordered')
    rejectAt(CODE, `the condition has more than ${MEMBER_CHAINS_MAX} ways to hold; chain correlations`, node.at);
  return expression;
}

// Conditions over rules have the grammar of those over selections: each rule stands as one question of its own.
const leafOf = (ref: string): SigmaExpression => ({ kind: 'exists', field: ref, isWanted: true });

function memberExpressionOf(expression: SigmaExpression, refs: readonly string[]): MemberExpression {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return {
        kind: expression.kind,
        operands: expression.operands.map((operand) => memberExpressionOf(operand, refs)),
      };
    case 'not':
      return { kind: 'not', operand: memberExpressionOf(expression.operand, refs) };
    default:
      return { kind: 'member', member: refs.indexOf(expression.field as string) };
  }
}

function membersIn(expression: MemberExpression): number[] {
  if (expression.kind === 'member') return [expression.member];
  return expression.kind === 'not' ? membersIn(expression.operand) : expression.operands.flatMap(membersIn);
}

function parseAliases(parent: MapReader, aliased: SigmaReference[]): Record<string, Record<string, string>> {
  const reader = parent.child('aliases');
  const aliases = Object.create(null) as Record<string, Record<string, string>>;
  for (const alias of reader?.map.entries.keys() ?? []) {
    const fields = reader?.child(alias) ?? parent.reject(`alias ${quote(alias)} is empty`, 'aliases');
    const fieldOf = Object.create(null) as Record<string, string>;
    for (const [ref, { at }] of fields.map.entries) {
      fieldOf[ref] = fields.text(ref) ?? fields.reject(`alias ${quote(alias)} lacks a field`, ref);
      aliased.push({ ref, at });
    }
    aliases[alias] = fieldOf;
  }
  return aliases;
}
