import { SigmaMatcher, fieldValue, type SigmaRecord, type SigmaRule } from '@protego/streams';

/** Decides about one record. */
export type PlainTest = (record: SigmaRecord) => boolean;

type Expression = SigmaRule['detection'];
type TextPredicate = Extract<Expression, { readonly kind: 'text' }>;
type Part = TextPredicate['patterns'][number][number];
type Scalar = string | number | boolean;

/** Fields that are read under other names where a record lacks them. */
const ALIASED = new Set([
  'Provider_Name',
  'SourceName',
  'Computer',
  'Hostname',
  'Image',
  'ParentImage',
  'User',
  'IntegrityLevel',
  'LogonId',
]);
/** The one channel in which every field has another name. */
const DEFENDER_CHANNEL = 'microsoft-windows-windows defender/operational';

/** A rule as a tree of closures; addresses and comparisons of fields, which are rare, are left to the product. */
export function plainTest(rule: SigmaRule): PlainTest {
  if (!isPlain(rule.detection)) {
    const matcher = new SigmaMatcher([rule], { ignoreLogsource: true });
    return (record) => matcher.match(record).length > 0;
  }
  return testOf(rule.detection);
}

function isPlain(expression: Expression): boolean {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return expression.operands.every(isPlain);
    case 'not':
      return isPlain(expression.operand);
    case 'cidr':
    case 'fieldref':
    case 'compare':
    case 'time-part':
      return false;
    default:
      return true;
  }
}

function testOf(expression: Expression): PlainTest {
  switch (expression.kind) {
    case 'and':
    case 'or':
      return join(expression.operands.map(testOf), expression.kind === 'or');
    case 'not': {
      const test = testOf(expression.operand);
      return (record) => !test(record);
    }
    case 'text':
      return textTest(expression);
    case 'regex':
      return anyScalar(expression.field, (scalar) => expression.test(String(scalar)));
    case 'number':
      return anyScalar(expression.field, (scalar) => {
        const text = String(scalar).toLowerCase();
        return scalar === expression.value || text === expression.text || text === String(expression.value);
      });
    case 'boolean':
      return anyScalar(expression.field, (scalar) => String(scalar).toLowerCase() === String(expression.value));
    case 'null':
      return (record) => (read(record, expression.field) ?? null) === null;
    case 'exists':
      return (record) => (read(record, expression.field) !== undefined) === expression.isWanted;
    default:
      throw new Error(`predicate \`${expression.kind}\` has no plain test`);
  }
}

function join(tests: readonly PlainTest[], isOr: boolean): PlainTest {
  return (record) => {
    for (const test of tests) if (test(record) === isOr) return isOr;
    return !isOr;
  };
}

function textTest({ field, patterns, isCased }: TextPredicate): PlainTest {
  const tests = patterns.map(patternTest);
  return anyScalar(field, (scalar) => {
    const text = isCased ? String(scalar) : String(scalar).toLowerCase();
    for (const test of tests) if (test(text)) return true;
    return false;
  });
}

/** A literal with `*` at its ends is searched for; anything more is a regular expression. */
function patternTest(pattern: readonly Part[]): (text: string) => boolean {
  const [first, second, third] = pattern;
  if (pattern.length === 0) return (text) => text === '';
  if (pattern.length === 1 && typeof first === 'string') return (text) => text === first;
  if (pattern.length === 2 && typeof first === 'string' && second === 0) return (text) => text.startsWith(first);
  if (pattern.length === 2 && first === 0 && typeof second === 'string') return (text) => text.endsWith(second);
  if (pattern.length === 3 && first === 0 && typeof second === 'string' && third === 0)
    return (text) => text.includes(second);
  const source = pattern.map((part) => (typeof part === 'string' ? escape(part) : part === 0 ? '.*' : '.')).join('');
  const regex = new RegExp(`^${source}$`, 's');
  return (text) => regex.test(text);
}

function escape(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function anyScalar(field: string | null, test: (scalar: Scalar) => boolean): PlainTest {
  return (record) => {
    const value = field === null ? Object.values(record.data).flatMap(membersOf) : read(record, field);
    if (isScalar(value)) return test(value);
    return Array.isArray(value) && value.some((member) => isScalar(member) && test(member));
  };
}

function membersOf(value: unknown): unknown {
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(membersOf) : value;
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function read(record: SigmaRecord, field: string): unknown {
  const { data } = record;
  if (Object.hasOwn(data, field)) return data[field];
  if (!ALIASED.has(field) && !field.includes('.') && !isDefender(data)) return undefined;
  return fieldValue(record, field);
}

function isDefender(data: SigmaRecord['data']): boolean {
  return typeof data['Channel'] === 'string' && data['Channel'].toLowerCase() === DEFENDER_CHANNEL;
}
