import { quote, rejectAt, type SourcePosition } from './problem';
import type { CompareOperator } from './expression';
import { TIME_PARTS, type TimePart } from './time-part';
import type { RegexFlag } from './regex';

/** Modifiers that change the value, in the order in which the rule names them. */
export type TransformName =
  | 'contains'
  | 'startswith'
  | 'endswith'
  | 'windash'
  | 'wide'
  | 'utf16le'
  | 'utf16be'
  | 'utf16'
  | 'base64'
  | 'base64offset';

/** What the value means: text, or one of the other kinds of question. */
export type ValueMeaning = 'text' | 're' | 'cidr' | 'exists' | 'fieldref' | CompareOperator;

/** The modifier chain of one key of a selection. */
export interface ModifierChain {
  readonly field: string | null;
  readonly meaning: ValueMeaning;
  /** The value is compared with this part of a time; undefined: with the field's value. */
  readonly timePart: TimePart | undefined;
  readonly transforms: readonly TransformName[];
  readonly regexFlags: readonly RegexFlag[];
  /** Placeholders stand for the values that the site declares. */
  readonly isExpanded: boolean;
  readonly isAll: boolean;
  readonly isCased: boolean;
  readonly isNegated: boolean;
}

const TRANSFORMS: readonly TransformName[] = [
  'contains',
  'startswith',
  'endswith',
  'windash',
  'wide',
  'utf16le',
  'utf16be',
  'utf16',
  'base64',
  'base64offset',
];
const MEANINGS: readonly ValueMeaning[] = ['re', 'cidr', 'exists', 'fieldref', 'lt', 'lte', 'gt', 'gte'];
const SWITCHES: ReadonlySet<string> = new Set(['all', 'cased', 'neq', 'expand']);
const PLACES: readonly TransformName[] = ['contains', 'startswith', 'endswith'];
const REGEX_FLAGS: ReadonlyMap<string, RegexFlag> = new Map([
  ['i', 'i'],
  ['ignorecase', 'i'],
  ['m', 'm'],
  ['multiline', 'm'],
  ['s', 's'],
  ['dotall', 's'],
]);

/**
 * Reads `field|modifier|…` (Sigma 2.1, "Value modifiers"). A key without a field name is about every value of the
 * record.
 *
 * @throws ProtegoError `SIGMA_MODIFIER_UNSUPPORTED` for unknown and unsupported modifiers, and for pairs that have no
 *   meaning together
 */
export function parseModifiers(key: string, at: SourcePosition): ModifierChain {
  const [field = '', ...names] = key.split('|');
  let meaning: ValueMeaning = 'text';
  const transforms: TransformName[] = [];
  const regexFlags: RegexFlag[] = [];
  let timePart: TimePart | undefined;
  for (const name of names) {
    const transform = TRANSFORMS.find((known) => known === name);
    const otherMeaning = MEANINGS.find((known) => known === name);
    const flag = REGEX_FLAGS.get(name);
    const part = TIME_PARTS.find((known) => known === name);
    if (transform !== undefined) transforms.push(transform);
    else if (part !== undefined) {
      if (timePart !== undefined) refuse(`${quote(timePart)} and ${quote(name)} exclude each other`, at);
      timePart = part;
    } else if (otherMeaning !== undefined) {
      if (meaning !== 'text') refuse(`${quote(meaning)} and ${quote(name)} exclude each other`, at);
      meaning = otherMeaning;
    } else if (flag !== undefined) {
      if (meaning !== 're') refuse(`${quote(name)} is a flag of ${quote('re')} and stands after it`, at);
      regexFlags.push(flag);
    } else if (!SWITCHES.has(name)) refuse(`modifier ${quote(name)} is not supported`, at);
  }
  const chain = {
    field: field === '' ? null : field,
    meaning,
    timePart,
    transforms,
    regexFlags,
    isExpanded: names.includes('expand'),
    isAll: names.includes('all'),
    isCased: names.includes('cased'),
    isNegated: names.includes('neq'),
  };
  checkCombination(chain, at);
  return chain;
}

function checkCombination(chain: ModifierChain, at: SourcePosition): void {
  const { field, meaning, timePart, transforms, isCased, isAll, isNegated, isExpanded } = chain;
  if (timePart !== undefined) checkTimePart(timePart, chain, at);
  if (isAll && isNegated) refuse(`${quote('all')} has no meaning with ${quote('neq')}`, at);
  const allowed = meaning === 'text' ? TRANSFORMS : meaning === 'fieldref' ? PLACES : [];
  const stray = transforms.find((transform) => !allowed.includes(transform));
  if (stray !== undefined) refuse(`${quote(stray)} has no meaning with ${quote(meaning)}`, at);
  if (isCased && meaning !== 'text' && meaning !== 'fieldref' && meaning !== 're') {
    refuse(`${quote('cased')} has no meaning with ${quote(meaning)}`, at);
  }
  if (isExpanded && (meaning === 'exists' || meaning === 'fieldref'))
    refuse(`${quote('expand')} has no meaning with ${quote(meaning)}`, at);
  if (field === null && meaning !== 'text' && meaning !== 're') {
    refuse(`${quote(meaning)} needs a field`, at);
  }
}

function checkTimePart(
  part: TimePart,
  { field, meaning, transforms, isCased }: ModifierChain,
  at: SourcePosition,
): void {
  const [stray] = transforms;
  const other = stray ?? (isCased ? 'cased' : meaning === 'text' || isOrder(meaning) ? undefined : meaning);
  if (other !== undefined) refuse(`${quote(other)} has no meaning with ${quote(part)}`, at);
  if (field === null) refuse(`${quote(part)} needs a field`, at);
}

function isOrder(meaning: ValueMeaning): boolean {
  return meaning === 'lt' || meaning === 'lte' || meaning === 'gt' || meaning === 'gte';
}

function refuse(message: string, at: SourcePosition): never {
  rejectAt('SIGMA_MODIFIER_UNSUPPORTED', message, at);
}
