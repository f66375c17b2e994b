import type { JsonSchema } from '@protego/contracts';
import { code } from './markdown';

/** One field of a schema, with the path that leads to it. */
export interface SchemaField {
  /** Dotted; `[]` stands for each item of an array. */
  readonly path: string;
  /** Its parent requires it. */
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
}

/** Every field of an object schema, in the order of declaration, parents before their fields. */
export function fieldsOf(schema: JsonSchema, prefix = ''): SchemaField[] {
  if (schema['type'] === 'array') return fieldsOf((schema['items'] ?? {}) as JsonSchema, `${prefix.slice(0, -1)}[].`);
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.entries(properties).flatMap(([name, field]) => [
    { path: prefix + name, isRequired: required.includes(name), schema: field },
    ...fieldsOf(field, `${prefix}${name}.`),
  ]);
}

/** Type and limits of a schema in words. */
export function schemaText(schema: JsonSchema): string {
  if ('const' in schema) return code(String(schema['const']));
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => code(String(value))).join(' or ');
  const { type, format, pattern, minLength, maxLength, minimum, maximum, maxItems, items } = schema;
  const itemType = (items as JsonSchema | undefined)?.['type'];
  return [
    itemType === undefined ? String(type) : `array of ${String(itemType)}`,
    format,
    minLength === 1 && maxLength === undefined ? 'not empty' : between(minLength, maxLength, ' characters'),
    between(minimum, maximum, ''),
    maxItems === undefined ? undefined : `at most ${String(maxItems)} items`,
    pattern === undefined ? undefined : code(String(pattern)),
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}

function between(least: unknown, most: unknown, unit: string): string | undefined {
  if (least === undefined && most === undefined) return undefined;
  if (most === undefined) return `at least ${String(least)}${unit}`;
  return least === undefined ? `at most ${String(most)}${unit}` : `${String(least)} to ${String(most)}${unit}`;
}
