import { SLIDING_ENTRIES_MAX } from '../operators/sliding-window';
import { parseHeader } from './header';
import { quote, type SigmaProblem } from './problem';
import type { SigmaCorrelation, CorrelationCondition } from './correlation';
import { MapReader } from './yaml-read';
import type { YamlMap } from './yaml-tree';

const TYPES = ['event_count', 'value_count'] as const;
/** Types that the specification has beyond these. */
const OTHER_TYPES = ['temporal', 'temporal_ordered', 'value_sum', 'value_avg', 'value_percentile', 'value_median'];
const COMPARISONS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** Longest time span: state is kept for it, 366 days in milliseconds. */
const TIMESPAN_MS_MAX = 366 * 86_400_000;
const RULE_REF_COUNT_MAX = 256;
const GROUP_FIELD_COUNT_MAX = 16;

/**
 * A correlation of the types `event_count` and `value_count` (Sigma 2.1, correlation rules).
 *
 * @throws ProtegoError `SIGMA_CORRELATION_INVALID`
 */
export function parseCorrelation(
  map: YamlMap,
  documentIndex: number,
): { document: SigmaCorrelation; warnings: SigmaProblem[] } {
  const code = 'SIGMA_CORRELATION_INVALID';
  const { header, warnings } = parseHeader(map, code, documentIndex);
  const top = new MapReader(map, code);
  const reader = top.child('correlation') ?? top.reject('`correlation` is empty', 'correlation');
  reader.allowOnly(['type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate']);
  const type = parseType(reader);
  const ruleRefs = uniqueTexts(reader, 'rules', RULE_REF_COUNT_MAX);
  if (ruleRefs.length === 0) reader.reject('`rules` names no rule', 'rules');
  const document: SigmaCorrelation = {
    kind: 'correlation',
    ...header,
    type,
    ruleRefs,
    groupBy: uniqueTexts(reader, 'group-by', GROUP_FIELD_COUNT_MAX),
    timespanMs: parseTimespan(reader),
    ...parseCount(reader, type),
    aliases: parseAliases(reader, ruleRefs),
    // Older files carry `generate` beside `correlation`, as the first version of the specification did.
    generate: reader.boolean('generate') ?? top.boolean('generate') ?? false,
  };
  return { document, warnings };
}

function parseType(reader: MapReader): SigmaCorrelation['type'] {
  const text = reader.text('type') ?? reader.reject('`type` is missing', 'type');
  const known = TYPES.find((type) => type === text);
  if (known !== undefined) return known;
  const problem = OTHER_TYPES.includes(text) ? 'not supported yet' : 'not known';
  return reader.reject(`correlation type ${quote(text)} is ${problem}`, 'type');
}

function uniqueTexts(reader: MapReader, key: string, countMax: number): string[] {
  const texts = [...new Set(reader.texts(key))];
  return texts.length <= countMax ? texts : reader.reject(`\`${key}\` has more than ${countMax} members`, key);
}

function parseTimespan(reader: MapReader): number {
  const text = reader.text('timespan') ?? reader.reject('`timespan` is missing', 'timespan');
  const [, count, unit = ''] = /^(\d{1,9})([a-zA-Z])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (unit === 'M' || unit === 'y') {
    reader.reject('months and years have no fixed length; give `timespan` in s, m, h, d or w', 'timespan');
  }
  if (count === undefined || unitMs === undefined) {
    return reader.reject(`\`timespan\` is ${quote(text)}, not a number and s, m, h, d or w`, 'timespan');
  }
  const timespanMs = Number(count) * unitMs;
  const isInRange = timespanMs > 0 && timespanMs <= TIMESPAN_MS_MAX;
  return isInRange ? timespanMs : reader.reject('`timespan` must be between 1s and 366d', 'timespan');
}

function parseCount(
  parent: MapReader,
  type: SigmaCorrelation['type'],
): { condition: CorrelationCondition; field?: string } {
  const reader = parent.child('condition') ?? parent.reject('`condition` is missing', 'condition');
  reader.allowOnly([...COMPARISONS, 'field']);
  const condition: Partial<Record<(typeof COMPARISONS)[number], number>> = {};
  for (const comparison of COMPARISONS) {
    const node = reader.node(comparison);
    if (node === undefined) continue;
    const value = node.kind === 'scalar' ? node.value : undefined;
    if (typeof value !== 'number' || !Number.isFinite(value))
      reader.reject(`\`${comparison}\` is not a number`, comparison);
    else if (value > SLIDING_ENTRIES_MAX)
      reader.reject(`\`${comparison}\` is beyond ${SLIDING_ENTRIES_MAX}, the most that is counted`, comparison);
    else condition[comparison] = value;
  }
  if (Object.keys(condition).length === 0) parent.reject('`condition` compares with no number', 'condition');
  const field = reader.text('field');
  if (type === 'event_count') {
    return field === undefined ? { condition } : reader.reject('`field` has no meaning with `event_count`', 'field');
  }
  return { condition, field: field ?? parent.reject('`value_count` needs `field`', 'condition') };
}

function parseAliases(parent: MapReader, ruleRefs: readonly string[]): Record<string, Record<string, string>> {
  const reader = parent.child('aliases');
  const aliases = Object.create(null) as Record<string, Record<string, string>>;
  for (const alias of reader?.map.entries.keys() ?? []) {
    const fields = reader?.child(alias) ?? parent.reject(`alias ${quote(alias)} is empty`, 'aliases');
    const fieldOf = Object.create(null) as Record<string, string>;
    for (const ref of fields.map.entries.keys()) {
      if (!ruleRefs.includes(ref))
        fields.reject(`alias ${quote(alias)} names ${quote(ref)}, which is not in \`rules\``, ref);
      fieldOf[ref] = fields.text(ref) ?? fields.reject(`alias ${quote(alias)} lacks a field`, ref);
    }
    aliases[alias] = fieldOf;
  }
  return aliases;
}
