import type { EventTypeVersion, JsonSchema } from './event-registry';

/** A text that says something. */
export const string: JsonSchema = { type: 'string', minLength: 1, maxLength: 4096 };
/** How many, or how much, in whole units. */
export const count: JsonSchema = { type: 'integer', minimum: 0 };
/** Any number. */
export const number: JsonSchema = { type: 'number' };
/** Yes or no. */
export const flag: JsonSchema = { type: 'boolean' };
/** A port of TCP or UDP. */
export const port: JsonSchema = { type: 'integer', minimum: 0, maximum: 65_535 };

/** An object of named fields; others are allowed and are free text to the rest of the house. */
export function object(properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema {
  return required.length === 0 ? { type: 'object', properties } : { type: 'object', properties, required };
}

/** The first version of a type. */
export function version1(type: string, description: string, dataSchema: JsonSchema): EventTypeVersion {
  return { type, version: 1, description, dataSchema };
}
