import { parseCheckedYaml, type JsonSchema } from '@protego/contracts';
import { readText } from './artefact-file';
import { DECLARATION_BYTES_MAX } from './stream-declarations';

const VALUES_MAX = 4_096;

const PLACEHOLDERS_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['placeholders'],
  additionalProperties: false,
  properties: {
    placeholders: {
      type: 'object',
      maxProperties: 1_024,
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_.-]{0,127}$' },
      additionalProperties: {
        type: 'array',
        maxItems: VALUES_MAX,
        items: { type: 'string', minLength: 1, maxLength: 4_096 },
      },
    },
  },
};

/**
 * Reads `placeholders.yaml`: for each placeholder of Sigma rules, what it stands for at this site.
 *
 * @throws ProtegoError `DECLARATION_INVALID` with path, line and key
 */
export function parsePlaceholders(yamlText: string, path: string): ReadonlyMap<string, readonly string[]> {
  const { placeholders } = parseCheckedYaml(yamlText, path, PLACEHOLDERS_SCHEMA, 'DECLARATION_INVALID') as {
    placeholders: Readonly<Record<string, readonly string[]>>;
  };
  return new Map(Object.entries(placeholders));
}

/**
 * The placeholders declared in a file.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when the file cannot be read, `DECLARATION_INVALID` when it is wrong
 */
export function loadPlaceholders(path: string): ReadonlyMap<string, readonly string[]> {
  return parsePlaceholders(readText(path, DECLARATION_BYTES_MAX), path);
}
