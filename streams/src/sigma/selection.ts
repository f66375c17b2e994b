import { parseCidr } from './cidr';
import { base64OffsetPatterns, base64Pattern, utf16Pattern, windashVariants } from './encoding';
import { isRounded } from './exact-decimal';
import { allOf, anyOf, negate, type CompareOperator, type SigmaExpression, type TextPlace } from './expression';
import { parseModifiers, type ModifierChain, type TransformName } from './modifiers';
import { foldPattern, lengthOfPattern, literalOf, parsePattern, widenPattern, type TextPattern } from './pattern';
import { expandPlaceholders, type Placeholders } from './placeholders';
import { quote, rejectAt, type SourcePosition } from './problem';
import { compileRegex } from './regex';
import type { TimePart } from './time-part';
import { booleanOf } from './yaml-read';
import type { YamlMap, YamlNode, YamlScalar } from './yaml-tree';

/** Modifiers that make bytes of UTF-16 out of text. */
const UTF16_FORMS = { wide: 'utf16le', utf16le: 'utf16le', utf16be: 'utf16be', utf16: 'utf16' } as const;

/** Most spellings that one value may stand for after `windash`. */
const SPELLINGS_MAX = 4096;
/** Most spellings of all values of one rule, and their length together, UTF-16 code units. */
const RULE_SPELLINGS_MAX = 131_072;
const RULE_SPELLINGS_LENGTH_MAX = 8 * 1024 * 1024;

/** What all selections of one rule share. */
export class SelectionContext {
  #spellingCount = 0;
  #spellingsLength = 0;

  constructor(readonly placeholders: Placeholders) {}

  /**
   * Counts the spellings of a value: a short rule may stand for more than fits into memory.
   *
   * @throws ProtegoError `SIGMA_RULE_INVALID`
   */
  take(patterns: readonly TextPattern[], at: SourcePosition): void {
    this.#spellingCount += patterns.length;
    this.#spellingsLength += lengthOfAll(patterns);
    if (this.#spellingCount > RULE_SPELLINGS_MAX) refuse(`the rule has more than ${RULE_SPELLINGS_MAX} spellings`, at);
    if (this.#spellingsLength > RULE_SPELLINGS_LENGTH_MAX) refuseLength(at);
  }
}

/**
 * One selection of a rule: a map joins its fields with "and", a list joins its members with "or", a bare value is a
 * keyword (Sigma 2.1, "Detection").
 *
 * @throws ProtegoError `SIGMA_RULE_INVALID`, `SIGMA_MODIFIER_UNSUPPORTED`, `SIGMA_REGEX_UNSUPPORTED`
 */
export function parseSelection(node: YamlNode, context: SelectionContext): SigmaExpression {
  if (node.kind === 'map') return parseFields(node, context);
  if (node.kind === 'scalar') return parseField('', [node], node.at, context);
  if (node.items.length === 0) refuse('a selection is empty', node.at);
  const keywords = node.items.filter((item) => item.kind === 'scalar');
  const others = node.items.filter((item) => item.kind !== 'scalar').map((item) => parseSelection(item, context));
  return anyOf(keywords.length === 0 ? others : [parseField('', keywords, node.at, context), ...others]);
}

function parseFields(map: YamlMap, context: SelectionContext): SigmaExpression {
  if (map.entries.size === 0) refuse('a selection is empty', map.at);
  return allOf(
    [...map.entries].map(([key, node]) =>
      parseField(key, node.kind === 'list' ? node.items : [node], map.keyAt.get(key) ?? node.at, context),
    ),
  );
}

function parseField(
  key: string,
  nodes: readonly YamlNode[],
  at: SourcePosition,
  context: SelectionContext,
): SigmaExpression {
  const chain = parseModifiers(key, at);
  if (nodes.length === 0) refuse(`${quote(key)} has no values`, at);
  const scalars = nodes.map((node) =>
    node.kind === 'scalar' ? node : refuse(`${quote(key)} holds a ${node.kind} where a value is expected`, node.at),
  );
  const isText = needsText(chain);
  for (const { value, at: place } of scalars)
    if (isText && value === null) refuse(`${quote(key)} needs text, not null`, place);
  const questions = scalars.map((scalar) => expandedQuestion(chain, scalar, context));
  if (chain.isNegated) return negate(anyOf(mergeTexts(questions)));
  return chain.isAll ? allOf(questions) : anyOf(mergeTexts(questions));
}

/** True where null would silently ask for something else: for a missing field, or for the word. */
function needsText({ meaning, transforms, isCased, isExpanded }: ModifierChain): boolean {
  return meaning === 're' || (meaning === 'text' && (transforms.length > 0 || isCased || isExpanded));
}

/** A value with placeholders asks for any of what it stands for. */
function expandedQuestion(chain: ModifierChain, scalar: YamlScalar, context: SelectionContext): SigmaExpression {
  if (!chain.isExpanded || typeof scalar.value !== 'string') return questionOf(chain, scalar, context);
  const texts = expandPlaceholders(scalar.text, context.placeholders, SPELLINGS_MAX, scalar.at);
  const questions = texts.map((text) => questionOf(chain, { ...scalar, text, value: text }, context));
  // A placeholder without values is in no record.
  return questions.length === 0
    ? { kind: 'text', field: chain.field, patterns: [], isCased: chain.isCased }
    : anyOf(mergeTexts(questions));
}

/** Joins the text alternatives of one field, so that they are tried in one go. */
function mergeTexts(questions: readonly SigmaExpression[]): SigmaExpression[] {
  const texts = questions.flatMap((question) => (question.kind === 'text' ? [question] : []));
  const [first] = texts;
  if (first === undefined || texts.length === 1) return [...questions];
  const merged = { ...first, patterns: texts.flatMap((text) => text.patterns) };
  return [merged, ...questions.filter((question) => question.kind !== 'text')];
}

function questionOf(chain: ModifierChain, scalar: YamlScalar, context: SelectionContext): SigmaExpression {
  const { field, meaning, at } = { ...chain, at: scalar.at };
  if (meaning === 're') {
    if (scalar.text === '') refuse('a pattern is empty: it would be found in every value', at);
    const test = compileRegex(scalar.text, chain.regexFlags, at);
    return { kind: 'regex', field, pattern: scalar.text, flags: chain.regexFlags, test };
  }
  if (chain.timePart !== undefined && field !== null) return timeQuestion(chain, field, chain.timePart, scalar);
  if (meaning === 'text' || field === null) return textQuestion(chain, scalar, context);
  switch (meaning) {
    case 'cidr': {
      const block = parseCidr(scalar.text) ?? refuse(`${quote(scalar.text)} is not a block of addresses`, at);
      return { kind: 'cidr', field, block };
    }
    case 'exists': {
      const isWanted = booleanOf(scalar) ?? refuse(`${quote(scalar.text)} is not a boolean`, at);
      return { kind: 'exists', field, isWanted };
    }
    case 'fieldref': {
      if (typeof scalar.value !== 'string') return refuse('`fieldref` needs the name of a field', at);
      return {
        kind: 'fieldref',
        field,
        otherField: scalar.value,
        place: placeOf(chain.transforms),
        isCased: chain.isCased,
      };
    }
    default: {
      const bound = numberOf(scalar) ?? refuse(`${quote(scalar.text)} is not a number`, at);
      const exact = isRounded(scalar.text, bound) ? { exactBound: scalar.text } : {};
      return { kind: 'compare', field, operator: meaning, bound, ...exact };
    }
  }
}

function timeQuestion({ meaning }: ModifierChain, field: string, part: TimePart, scalar: YamlScalar): SigmaExpression {
  const bound = numberOf(scalar);
  if (bound === undefined || !Number.isInteger(bound)) return refuse(`${quote(scalar.text)} is no ${part}`, scalar.at);
  return { kind: 'time-part', field, part, operator: meaning === 'text' ? 'eq' : (meaning as CompareOperator), bound };
}

function numberOf(scalar: YamlScalar): number | undefined {
  if (typeof scalar.value === 'number') return Number.isFinite(scalar.value) ? scalar.value : undefined;
  return typeof scalar.value === 'string' && /^-?\d+(\.\d+)?$/.test(scalar.value) ? Number(scalar.value) : undefined;
}

function placeOf(transforms: readonly TransformName[]): TextPlace {
  const isAtStart = transforms.includes('startswith');
  const isAtEnd = transforms.includes('endswith');
  if (transforms.includes('contains') || (isAtStart && isAtEnd)) return 'contains';
  return isAtStart ? 'startswith' : isAtEnd ? 'endswith' : 'equals';
}

function textQuestion(chain: ModifierChain, scalar: YamlScalar, context: SelectionContext): SigmaExpression {
  const { field, transforms } = chain;
  if (field !== null && scalar.value === null) return { kind: 'null', field };
  if (scalar.value === null) refuse('a keyword is null', scalar.at);
  if (field !== null && transforms.length === 0 && typeof scalar.value === 'number') {
    return { kind: 'number', field, value: scalar.value, text: scalar.text.toLowerCase() };
  }
  if (field !== null && transforms.length === 0 && typeof scalar.value === 'boolean') {
    return { kind: 'boolean', field, value: scalar.value };
  }
  const source = typeof scalar.value === 'string' ? parsePattern(scalar.text) : [scalar.text];
  const spelled = transformAll(source, transforms, scalar.at);
  context.take(spelled, scalar.at);
  // A keyword may stand anywhere in a value; a field's value is compared as a whole.
  const placed = field === null ? spelled.map((pattern) => widenPattern(pattern, true, true)) : spelled;
  const patterns = chain.isCased ? placed : placed.map(foldPattern);
  return { kind: 'text', field, patterns, isCased: chain.isCased };
}

function transformAll(source: TextPattern, transforms: readonly TransformName[], at: SourcePosition): TextPattern[] {
  let patterns: TextPattern[] = [source];
  let isBytes = false;
  for (const transform of transforms) {
    patterns = patterns.flatMap((pattern) => transformOne(pattern, transform, isBytes, at));
    if (patterns.length > SPELLINGS_MAX) refuseSpellings(at);
    if (lengthOfAll(patterns) > RULE_SPELLINGS_LENGTH_MAX) refuseLength(at);
    isBytes ||= isUtf16(transform);
  }
  return patterns;
}

function transformOne(
  pattern: TextPattern,
  transform: TransformName,
  isBytes: boolean,
  at: SourcePosition,
): TextPattern[] {
  if (isUtf16(transform)) return [utf16Pattern(pattern, UTF16_FORMS[transform])];
  switch (transform) {
    case 'contains':
      return [widenPattern(pattern, true, true)];
    case 'startswith':
      return [widenPattern(pattern, false, true)];
    case 'endswith':
      return [widenPattern(pattern, true, false)];
    case 'windash':
      return windashVariants(pattern, spellingsMaxOf(pattern)) ?? refuseSpellings(at);
    case 'base64':
      return [base64Pattern(plainTextOf(pattern, transform, at), isBytes)];
    case 'base64offset': {
      const patterns = base64OffsetPatterns(plainTextOf(pattern, transform, at), isBytes);
      return patterns.length > 0 ? patterns : refuse('the value is too short for `base64offset`', at);
    }
  }
}

function isUtf16(transform: TransformName): transform is keyof typeof UTF16_FORMS {
  return transform in UTF16_FORMS;
}

function plainTextOf(pattern: TextPattern, transform: TransformName, at: SourcePosition): string {
  return literalOf(pattern) ?? refuse(`${quote(transform)} cannot encode a wildcard`, at);
}

function lengthOfAll(patterns: readonly TextPattern[]): number {
  return patterns.reduce((sum, pattern) => sum + lengthOfPattern(pattern), 0);
}

/** So many that all of them together are not too long. */
function spellingsMaxOf(pattern: TextPattern): number {
  return Math.min(SPELLINGS_MAX, Math.floor(RULE_SPELLINGS_LENGTH_MAX / (lengthOfPattern(pattern) + 1)));
}

function refuseLength(at: SourcePosition): never {
  return refuse(`the spellings of the values are longer than ${RULE_SPELLINGS_LENGTH_MAX} characters`, at);
}

function refuseSpellings(at: SourcePosition): never {
  return refuse(`the value has more than ${SPELLINGS_MAX} spellings`, at);
}

function refuse(message: string, at: SourcePosition): never {
  rejectAt('SIGMA_RULE_INVALID', message, at);
}
