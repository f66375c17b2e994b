import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument, type Document, type Node } from 'yaml';
import { ProtegoError, messageOf, type ErrorDetails } from './error';
import type { ErrorCode } from './error-codes';
import type { JsonSchema } from './event-registry';
import { newAjv } from './event-validator';
import { SOURCE_COUNT_MAX } from './ids';

/** How one declared feed keeps time, and what it may publish. */
export interface SourceDeclaration {
  readonly name: string;
  readonly description: string;
  /** Input families it may publish. */
  readonly families: readonly string[];
  /** Knowledge families it is authoritative for. */
  readonly authoritativeFor: readonly string[];
  /** How much later than the newest event of the source another may come and still count, milliseconds. */
  readonly latenessMs: number;
  /** Silence in pipeline time after which the source no longer holds the watermark back, milliseconds. */
  readonly idleAfterMs: number;
  /** True for the producer that carries the clock of a site on `feed`. */
  readonly carriesClock: boolean;
}

/** Timing of every declared source, and of those that are not declared. */
export interface SourceDeclarations {
  /** Event time may be at most this far ahead of pipeline time, milliseconds. */
  readonly skewMaxMs: number;
  readonly defaults: { readonly latenessMs: number; readonly idleAfterMs: number };
  readonly sources: readonly SourceDeclaration[];
}

const durationMs: JsonSchema = { type: 'integer', minimum: 0, maximum: 86_400_000 };
const names: JsonSchema = {
  type: 'array',
  items: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
  uniqueItems: true,
};

const SOURCES_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['skewMaxMs', 'defaults', 'sources'],
  additionalProperties: false,
  properties: {
    skewMaxMs: durationMs,
    defaults: {
      type: 'object',
      required: ['latenessMs', 'idleAfterMs'],
      additionalProperties: false,
      properties: { latenessMs: durationMs, idleAfterMs: durationMs },
    },
    sources: {
      type: 'array',
      maxItems: SOURCE_COUNT_MAX,
      items: {
        type: 'object',
        required: ['name', 'description'],
        additionalProperties: false,
        properties: {
          name: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
          description: { type: 'string', minLength: 1 },
          families: names,
          authoritativeFor: names,
          latenessMs: durationMs,
          idleAfterMs: durationMs,
          carriesClock: { type: 'boolean' },
        },
      },
    },
  },
};

/**
 * Reads `sources.yaml`.
 *
 * @throws ProtegoError `DECLARATION_INVALID` with path, line and key
 */
export function parseSourceDeclarations(yamlText: string, path: string): SourceDeclarations {
  const { value: checked, lineOf } = readCheckedYaml(yamlText, path, SOURCES_SCHEMA, 'DECLARATION_INVALID');
  const value = checked as {
    skewMaxMs: number;
    defaults: { latenessMs: number; idleAfterMs: number };
    sources: (Partial<SourceDeclaration> & { name: string; description: string })[];
  };
  const seen = new Set<string>();
  value.sources.forEach(({ name }, index) => {
    if (seen.has(name)) {
      const line = lineOf(['sources', String(index), 'name']);
      fail('DECLARATION_INVALID', `source \`${name}\` is declared twice`, { path, line, name });
    }
    seen.add(name);
  });
  return {
    ...value,
    sources: value.sources.map((source) => ({
      families: [],
      authoritativeFor: [],
      carriesClock: false,
      ...value.defaults,
      ...source,
    })),
  };
}

/**
 * Parses YAML 1.2 and checks it against a schema; a problem names path, line and key.
 *
 * @throws ProtegoError with the given code
 */
export function parseCheckedYaml(yamlText: string, path: string, schema: JsonSchema, code: ErrorCode): unknown {
  return readCheckedYaml(yamlText, path, schema, code).value;
}

/** YAML that fits a schema, and where its parts stand. */
export interface CheckedYaml {
  readonly value: unknown;
  /** Line, from 1, of the key or list item that a path leads to. */
  readonly lineOf: (keys: readonly string[]) => number;
}

/**
 * Like {@link parseCheckedYaml}, for callers that check more and have to name lines themselves.
 *
 * @throws ProtegoError with the given code
 */
export function readCheckedYaml(yamlText: string, path: string, schema: JsonSchema, code: ErrorCode): CheckedYaml {
  const lines = new LineCounter();
  const document = parseDocument(yamlText, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) fail(code, error.message, { path, line: lines.linePos(error.pos[0]).line });
  const lineOf = (keys: readonly string[]): number => lineOfKeys(document, keys, lines);
  const value = jsValueOf(document, path, code);
  const validate = newAjv().compile(schema);
  if (validate(value)) return { value, lineOf };
  const first = validate.errors?.[0];
  const unknownKey = first?.params['additionalProperty'] as string | undefined;
  const keys = [...(first?.instancePath ?? '').split('/').slice(1), ...(unknownKey === undefined ? [] : [unknownKey])];
  const problem = unknownKey === undefined ? (first?.message ?? 'is invalid') : 'is not a known key';
  fail(code, `\`${keys.join('.') || '(top)'}\` ${problem}`, { path, line: lineOf(keys), key: keys.join('.') });
}

function fail(code: ErrorCode, message: string, details: ErrorDetails): never {
  throw new ProtegoError(code, `${String(details['path'])}:${String(details['line'])}: ${message}`, details);
}

// Aliases are resolved here: one without an anchor, or too many of them, are found only now.
function jsValueOf(document: Document, path: string, code: ErrorCode): unknown {
  try {
    return document.toJS() ?? {};
  } catch (error) {
    return fail(code, messageOf(error).toLowerCase(), { path, line: 1 });
  }
}

// The line of the key, not of its value, which may begin further down.
function lineOfKeys(document: Document, keys: readonly string[], lines: LineCounter): number {
  let node: unknown = document.contents;
  let line = 1;
  for (const key of keys) {
    const step = stepInto(node, key);
    if (step === undefined) break;
    if (step.at.range) line = lines.linePos(step.at.range[0]).line;
    node = step.value;
  }
  return line;
}

function stepInto(node: unknown, key: string): { at: Node; value: unknown } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(key)];
    return isNode(item) ? { at: item, value: item } : undefined;
  }
  const pair = isMap(node)
    ? node.items.find((each) => isScalar(each.key) && String(each.key.value) === key)
    : undefined;
  return isNode(pair?.key) ? { at: pair.key, value: pair.value } : undefined;
}
