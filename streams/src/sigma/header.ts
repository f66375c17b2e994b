import { CONFIDENCES, SEVERITIES, type ErrorCode } from '@protego/contracts';
import { withoutAsides } from './deciding-text';
import { warningAt, type SigmaProblem } from './problem';
import type { SigmaEntityField, SigmaHeader, SigmaWording } from './rule';
import { timespanMsOf } from './timespan';
import { MapReader } from './yaml-read';
import { contentHashOf, type YamlMap, type YamlNode } from './yaml-tree';

/** Longest text of the custom key `protego`, characters. */
const WORDING_LENGTH_MAX = 2000;
/** Most entities of one rule. */
const ENTITY_COUNT_MAX = 16;

/** Greatest budget of a rule: who expects more of it does not want a budget. */
const BUDGET_MAX = 10_000;

/** Longest rule id: it travels in every detection. */
const ID_LENGTH_MAX = 256;

/**
 * What rules, correlations and filters have in common. A missing id or title is a warning: the rule works without.
 * `suppressMs` is 0 unless `protego` gives it, which only correlations may.
 *
 * @throws ProtegoError with the given code: `SIGMA_RULE_INVALID`, `SIGMA_CORRELATION_INVALID` or `SIGMA_FILTER_INVALID`
 */
export function parseHeader(
  map: YamlMap,
  code: ErrorCode,
  documentIndex: number,
): { header: SigmaHeader; warnings: SigmaProblem[]; suppressMs: number } {
  const reader = new MapReader(map, code);
  const { path } = map.at;
  const name = reader.text('name');
  const id = reader.text('id') ?? (documentIndex === 0 ? path : `${path}#${documentIndex + 1}`);
  if (id.length > ID_LENGTH_MAX) reader.reject(`\`id\` is longer than ${ID_LENGTH_MAX} characters`, 'id');
  const warnings: SigmaProblem[] = [];
  if (reader.text('id') === undefined)
    warnings.push(warningAt(code, `\`id\` is missing, \`${id}\` stands for it`, map.at));
  const title = reader.text('title') ?? name ?? id;
  if (reader.text('title') === undefined) warnings.push(warningAt(code, '`title` is missing', map.at));
  const header = {
    id,
    name,
    title,
    level: reader.oneOf('level', SEVERITIES) ?? 'informational',
    status: reader.text('status'),
    description: reader.text('description')?.trim(),
    falsePositives: reader.texts('falsepositives'),
    attack: attackOf(reader.texts('tags')),
    contentHash: contentHashOf(withoutAsides(map)),
    path,
    at: map.at,
    cases: casesOf(reader),
    budgetPerWardWeek: budgetOf(reader),
    wording: parseWording(reader),
  };
  return { header, warnings, suppressMs: suppressMsOf(reader) };
}

function suppressMsOf(parent: MapReader): number {
  const reader = parent.child('protego');
  const text = reader?.text('suppress');
  if (reader === undefined || text === undefined) return 0;
  if (parent.node('correlation') === undefined) reader.reject('`suppress` is for correlations only', 'suppress');
  return timespanMsOf(text, (problem) => reader.reject(`\`suppress\` ${problem}`, 'suppress'));
}

/** `attack.t1059.001` → `T1059.001`, `attack.execution` → `execution`; groups, software and other tags are left out. */
function attackOf(tags: readonly string[]): string[] {
  const ids = tags.flatMap((tag) => {
    const [, rest] = /^attack\.(.+)$/i.exec(tag) ?? [];
    if (rest === undefined || /^[gs]\d{4}$/i.test(rest)) return [];
    return [/^t(a?)\d{4}(\.\d{3})?$/i.test(rest) ? rest.toUpperCase() : rest];
  });
  return [...new Set(ids)];
}

function parseWording(parent: MapReader): SigmaWording {
  const reader = parent.child('protego');
  if (reader === undefined) return {};
  reader.allowOnly(['why', 'nextStep', 'harmlessExplanation', 'confidence', 'entities', 'suppress', 'budget', 'cases']);
  const sentence = (key: string): string | undefined => {
    const text = reader.text(key)?.trim();
    if (text !== undefined && (text === '' || text.length > WORDING_LENGTH_MAX)) {
      reader.reject(`\`${key}\` must have 1 to ${WORDING_LENGTH_MAX} characters`, key);
    }
    return text;
  };
  const wording = {
    why: sentence('why'),
    nextStep: sentence('nextStep'),
    harmlessExplanation: sentence('harmlessExplanation'),
    confidence: reader.oneOf('confidence', CONFIDENCES),
    entities: parseEntities(reader),
  };
  return Object.fromEntries(Object.entries(wording).filter(([, value]) => value !== undefined));
}

function budgetOf(parent: MapReader): number | undefined {
  const reader = parent.child('protego');
  const text = reader?.text('budget');
  if (reader === undefined || text === undefined) return undefined;
  if (parent.node('filter') !== undefined) reader.reject('a filter raises nothing and has no `budget`', 'budget');
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(text) || Number(text) > BUDGET_MAX)
    reader.reject(`\`budget\` must be a number from 0 to ${BUDGET_MAX}`, 'budget');
  return Number(text);
}

// Left unread: what decides no detection must not refuse a rule either.
function casesOf(parent: MapReader): YamlNode | undefined {
  return parent.child('protego')?.node('cases');
}

function parseEntities(parent: MapReader): SigmaEntityField[] | undefined {
  const node = parent.node('entities');
  if (node === undefined) return undefined;
  if (node.kind !== 'list' || node.items.length > ENTITY_COUNT_MAX) {
    return parent.reject(`\`entities\` must be a list of at most ${ENTITY_COUNT_MAX}`, 'entities');
  }
  return node.items.map((item) => {
    if (item.kind !== 'map') return parent.reject('an entity needs `kind` and `field`', 'entities');
    const reader = new MapReader(item, parent.code);
    reader.allowOnly(['kind', 'field']);
    const kind = reader.text('kind') ?? reader.reject('an entity needs `kind`', 'kind');
    const field = reader.text('field') ?? reader.reject('an entity needs `field`', 'field');
    return { kind, field };
  });
}
