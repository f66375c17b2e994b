import { parseCidr } from './cidr';
import { base64OffsetPatterns, base64Pattern, utf16Pattern, windashVariants } from './encoding';
import { allOf, anyOf, negate, type CompareOperator, type SigmaExpression, type TextPlace } from './expression';
import { parseModifiers, type ModifierChain, type TransformName } from './modifiers';
import { literalOf, parsePattern, widenPattern, type TextPattern } from './pattern';
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

/**
 * One selection of a rule: a map joins its fields with "and", a list joins its members with "or", a bare value is a
 * keyword (Sigma 2.1, "Detection").
 *
 * @throws ProtegoError `SIGMA_RULE_INVALID`, `SIGMA_MODIFIER_UNSUPPORTED`, `SIGMA_REGEX_UNSUPPORTED`
 */
export function parseSelection(node: YamlNode, placeholders: Placeholders): SigmaExpression {
  if (node.kind === 'map') return parseFields(node, placeholders);
  if (node.kind === 'scalar') return parseField('', [node], node.at, placeholders);
  if (node.items.length === 0) refuse('a selection is empty', node.at);
  const keywords = node.items.filter((item) => item.kind === 'scalar');
  const others = node.items.filter((item) => item.kind !== 'scalar').map((item) => parseSelection(item, placeholders));
  return anyOf(keywords.length === 0 ? others : [parseField('', keywords, node.at, placeholders), ...others]);
}

function parseFields(map: YamlMap, placeholders: Placeholders): SigmaExpression {
  if (map.entries.size === 0) refuse('a selection is empty', map.at);
  return allOf(
    [...map.entries].map(([key, node]) =>
      parseField(key, node.kind === 'list' ? node.items : [node], node.at, placeholders),
    ),
  );
}

function parseField(
  key: string,
  nodes: readonly YamlNode[],
  at: SourcePosition,
  placeholders: Placeholders,
): SigmaExpression {
  const chain = parseModifiers(key, at);
  if (nodes.length === 0) refuse(`${quote(key)} has no values`, at);
  const scalars = nodes.map((node) =>
    node.kind === 'scalar' ? node : refuse(`${quote(key)} holds a ${node.kind} where a value is expected`, node.at),
  );
  const questions = scalars.map((scalar) => expandedQuestion(chain, scalar, placeholders));
  if (chain.isNegated) return negate(anyOf(mergeTexts(questions)));
  return chain.isAll ? allOf(questions) : anyOf(mergeTexts(questions));
}

/** A value with placeholders asks for any of what it stands for. */
function expandedQuestion(chain: ModifierChain, scalar: YamlScalar, placeholders: Placeholders): SigmaExpression {
  if (!chain.isExpanded || typeof scalar.value !== 'string') return questionOf(chain, scalar);
  const texts = expandPlaceholders(scalar.text, placeholders, SPELLINGS_MAX, scalar.at);
  const questions = texts.map((text) => questionOf(chain, { ...scalar, text, value: text }));
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

function questionOf(chain: ModifierChain, scalar: YamlScalar): SigmaExpression {
  const { field, meaning, at } = { ...chain, at: scalar.at };
  if (meaning === 're') {
    const test = compileRegex(scalar.text, chain.regexFlags, at);
    return { kind: 'regex', field, pattern: scalar.text, flags: chain.regexFlags, test };
  }
  if (chain.timePart !== undefined && field !== null) return timeQuestion(chain, field, chain.timePart, scalar);
  if (meaning === 'text' || field === null) return textQuestion(chain, scalar);
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
      return { kind: 'compare', field, operator: meaning, bound };
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

function textQuestion(chain: ModifierChain, scalar: YamlScalar): SigmaExpression {
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
  // A keyword may stand anywhere in a value; a field's value is compared as a whole.
  const placed = field === null ? spelled.map((pattern) => widenPattern(pattern, true, true)) : spelled;
  const patterns = chain.isCased ? placed : placed.map(lowerCase);
  return { kind: 'text', field, patterns, isCased: chain.isCased };
}

function lowerCase(pattern: TextPattern): TextPattern {
  return pattern.map((part) => (typeof part === 'string' ? part.toLowerCase() : part));
}

function transformAll(source: TextPattern, transforms: readonly TransformName[], at: SourcePosition): TextPattern[] {
  let patterns: TextPattern[] = [source];
  let isBytes = false;
  for (const transform of transforms) {
    patterns = patterns.flatMap((pattern) => transformOne(pattern, transform, isBytes, at));
    if (patterns.length > SPELLINGS_MAX) refuseSpellings(at);
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
      return windashVariants(pattern, SPELLINGS_MAX) ?? refuseSpellings(at);
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

function refuseSpellings(at: SourcePosition): never {
  return refuse(`the value has more than ${SPELLINGS_MAX} spellings`, at);
}

function refuse(message: string, at: SourcePosition): never {
  rejectAt('SIGMA_RULE_INVALID', message, at);
}
