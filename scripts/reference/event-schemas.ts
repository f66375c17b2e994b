import {
  ENVELOPE_SCHEMA,
  dataschemaOf,
  eventRegistry,
  type EventTypeVersion,
  type JsonSchema,
} from '@protego/contracts';

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** JSON Schema of the envelope, alone. */
export function envelopeSchema(): JsonSchema {
  return { $schema: DIALECT, $id: 'urn:protego:event-envelope', title: 'Protego event', ...ENVELOPE_SCHEMA };
}

/** JSON Schema (draft 2020-12) of the whole event of every version of every type; it refers to no other file. */
export function eventSchemas(): { entry: EventTypeVersion; schema: JsonSchema }[] {
  return eventRegistry.all().map((entry) => ({ entry, schema: eventSchema(entry) }));
}

/** File name of the schema of a type, in the folder of schemas. */
export function schemaFileOf({ type, version }: EventTypeVersion): string {
  return `${type}@${version}.json`;
}

function eventSchema({ type, version, description, dataSchema }: EventTypeVersion): JsonSchema {
  const id = dataschemaOf(type, version);
  const { properties, required } = ENVELOPE_SCHEMA as { properties: object; required: readonly string[] };
  return {
    $schema: DIALECT,
    $id: id,
    title: `${type}, version ${version}`,
    description,
    ...ENVELOPE_SCHEMA,
    // An event without `dataschema` is of version 1, so later versions must name theirs.
    required: version === 1 ? required : [...required, 'dataschema'],
    properties: { ...properties, type: { const: type }, dataschema: { const: id }, data: dataSchema },
  };
}
