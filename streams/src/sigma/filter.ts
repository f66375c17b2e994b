import { createHash } from 'node:crypto';
import { canonicalJson } from '@protego/contracts';
import type { SigmaReference } from './correlation';
import { parseDetection, parseLogsource } from './detection-parser';
import { allOf, type SigmaExpression } from './expression';
import { parseHeader } from './header';
import type { Placeholders } from './placeholders';
import { quote, warningAt, type SigmaProblem } from './problem';
import type { SigmaHeader, SigmaLogsource, SigmaRule } from './rule';
import { MapReader } from './yaml-read';
import type { YamlMap } from './yaml-tree';

const CODE = 'SIGMA_FILTER_INVALID';
/** Most rules that one filter names. */
const RULE_REF_COUNT_MAX = 4096;

/** A Sigma 2.1 filter: a condition that matches of the rules it names must meet as well. */
export interface SigmaFilter extends SigmaHeader {
  readonly kind: 'filter';
  readonly logsource: SigmaLogsource;
  /** Rules that it applies to; `any`: all rules of its log source. */
  readonly ruleRefs: readonly SigmaReference[] | 'any';
  /** The condition with its selections put in. */
  readonly condition: SigmaExpression;
}

/**
 * Reads a filter (Sigma 2.1, filters).
 *
 * @throws ProtegoError `SIGMA_FILTER_INVALID`, `SIGMA_CONDITION_INVALID`, and what selections throw
 */
export function parseFilter(
  map: YamlMap,
  documentIndex: number,
  placeholders: Placeholders,
): { document: SigmaFilter; warnings: SigmaProblem[] } {
  const { header, warnings } = parseHeader(map, CODE, documentIndex);
  const top = new MapReader(map, CODE);
  const logsource = parseLogsource(top);
  if (Object.keys(logsource).length === 0) top.reject('a filter needs `logsource`', 'logsource');
  const reader = top.child('filter') ?? top.reject('`filter` is empty', 'filter');
  const ruleRefs = parseRuleRefs(reader);
  const { detection: condition } = parseDetection(reader, placeholders, ['condition', 'rules']);
  if (!hasNot(condition))
    warnings.push(
      warningAt(CODE, 'the filter keeps what its selections match; to leave it out, write `not`', reader.map.at),
    );
  return { document: { kind: 'filter', ...header, logsource, ruleRefs, condition }, warnings };
}

function parseRuleRefs(reader: MapReader): SigmaFilter['ruleRefs'] {
  const node = reader.node('rules') ?? reader.reject('`rules` is missing; `any` names all of the log source', 'rules');
  const items = node.kind === 'list' ? node.items : [node];
  const refs = items.map((item) => ({ ref: reader.textOf(item, 'rules'), at: item.at }));
  if (refs.length === 0) reader.reject('`rules` names no rule', 'rules');
  if (refs.length > RULE_REF_COUNT_MAX) reader.reject(`\`rules\` has more than ${RULE_REF_COUNT_MAX} members`, 'rules');
  return refs.length === 1 && refs[0]?.ref === 'any' ? 'any' : refs;
}

function hasNot(expression: SigmaExpression): boolean {
  if (expression.kind === 'and' || expression.kind === 'or') return expression.operands.some(hasNot);
  return expression.kind === 'not';
}

/** Rules with the filters that apply to them put in, and what was wrong with filters. */
export interface FilteredRules {
  /** In the order of the given rules. */
  readonly rules: readonly SigmaRule[];
  /** Filters that apply to some rule, in their order. */
  readonly filters: readonly SigmaFilter[];
  readonly problems: readonly SigmaProblem[];
  readonly warnings: readonly SigmaProblem[];
}

/**
 * Puts filters into the rules that they name. A filter applies to a rule whose log source has every part that the
 * filter's has. The rule's content hash then covers the hashes of its filters, so that a detection tells which were in
 * force. A name that no rule has is a warning; a filter that names none that exists is refused.
 */
export function applyFilters(rules: readonly SigmaRule[], filters: readonly SigmaFilter[]): FilteredRules {
  if (filters.length === 0) return { rules, filters, problems: [], warnings: [] };
  const [problems, warnings]: [SigmaProblem[], SigmaProblem[]] = [[], []];
  const applied = new Map<SigmaRule, SigmaFilter[]>();
  const named = rulesByName(rules);
  const used = filters.filter((filter) => {
    const targets = targetsOf(filter, rules, named, problems, warnings);
    for (const rule of targets) addTo(applied, rule, filter);
    return targets.length > 0;
  });
  return {
    rules: rules.map((rule) => withFilters(rule, applied.get(rule))),
    filters: used,
    problems,
    warnings,
  };
}

function rulesByName(rules: readonly SigmaRule[]): Map<string, SigmaRule[]> {
  const named = new Map<string, SigmaRule[]>();
  for (const rule of rules)
    for (const name of new Set([rule.id, rule.name])) if (name !== undefined) addTo(named, name, rule);
  return named;
}

/** Adds a value to the list of a key. */
export function addTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [value]);
  else known.push(value);
}

// Every rule of a name, not only the first: a filter left out is an alarm too many, and nobody would see why.
function targetsOf(
  filter: SigmaFilter,
  rules: readonly SigmaRule[],
  named: ReadonlyMap<string, readonly SigmaRule[]>,
  problems: SigmaProblem[],
  warnings: SigmaProblem[],
): readonly SigmaRule[] {
  const isOfLog = (rule: SigmaRule): boolean => isWithin(rule.logsource, filter.logsource);
  if (filter.ruleRefs === 'any') {
    const targets = rules.filter(isOfLog);
    if (targets.length === 0) warnings.push(warningAt(CODE, 'no rule has the log source of the filter', filter.at));
    return targets;
  }
  const found = filter.ruleRefs.map(({ ref, at }) => ({ ref, at, rules: named.get(ref) ?? [] }));
  const unknown = found.filter((one) => one.rules.length === 0);
  const [firstUnknown] = unknown;
  if (firstUnknown !== undefined && unknown.length === found.length) {
    const { ref, at } = firstUnknown;
    const message = `filter \`${filter.id}\`: ${quote(ref)} is no rule that was read, nor is any other that it names`;
    problems.push(warningAt(CODE, message, at));
    return [];
  }
  for (const { ref, at } of unknown) warnings.push(warningAt(CODE, `${quote(ref)} is no rule that was read`, at));
  for (const { ref, at, rules: some } of found)
    if (some.some((rule) => !isOfLog(rule)))
      warnings.push(warningAt(CODE, `the filter leaves ${quote(ref)} as it is: the log sources differ`, at));
  return [...new Set(found.flatMap((one) => one.rules).filter(isOfLog))];
}

/** True when `inner` has every part of `outer`, and the same. */
function isWithin(inner: SigmaLogsource, outer: SigmaLogsource): boolean {
  return (['product', 'category', 'service'] as const).every(
    (key) => outer[key] === undefined || outer[key] === inner[key],
  );
}

function withFilters(rule: SigmaRule, filters: readonly SigmaFilter[] = []): SigmaRule {
  if (filters.length === 0) return rule;
  return {
    ...rule,
    detection: allOf([rule.detection, ...filters.map(({ condition }) => condition)]),
    contentHash: hashOf({ rule: rule.contentHash, filters: filters.map(({ contentHash }) => contentHash) }),
    filters: filters.map(({ id, contentHash }) => ({ id, contentHash })),
  };
}

/** SHA-256 (hex) of the canonical JSON of a value. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
