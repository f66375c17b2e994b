import {
  CLOCK_FAMILY,
  EVENT_BYTES_MAX,
  INPUT_FAMILIES,
  KNOWLEDGE_FAMILIES,
  eventRegistry,
  familyOf,
  type EventTypeVersion,
} from '@protego/contracts';
import { GENERATED, code, table } from './markdown';
import { fieldsOf, schemaText } from './schema-text';

/** `event-types.md`: every version of every event type, with the fields of its `data`. */
export function eventTypePage(): string {
  const entries = eventRegistry.all();
  const rows = entries.map((entry) => [
    `[${code(entry.type)}](#${anchorOf(entry)})`,
    String(entry.version),
    writerOf(entry.type),
    entry.description,
  ]);
  return `${GENERATED}

# Event types

An event is one CloudEvents 1.0 JSON object of at most ${EVENT_BYTES_MAX} bytes. [The schema of the envelope](schemas/event-envelope.json)
holds for every type; the schema of a type says the same and what stands in \`data\`. Fields of \`data\` that are not named here are
kept and treated as free text.

${table(['Type', 'Version', 'Written by', 'Meaning'], rows)}
${entries.map(section).join('\n')}`;
}

function section(entry: EventTypeVersion): string {
  const fields = fieldsOf(entry.dataSchema).map(({ path, isRequired, schema }) => [
    code(path),
    isRequired ? 'yes' : 'no',
    schemaText(schema),
  ]);
  const body = fields.length === 0 ? 'No field is prescribed.\n' : table(['Field', 'Required', 'Form'], fields);
  const file = `${entry.type}@${entry.version}.json`;
  return `## ${titleOf(entry)}

${entry.description} [Schema](schemas/${file}).

${body}`;
}

function titleOf({ type, version }: EventTypeVersion): string {
  return `${type}, version ${version}`;
}

function anchorOf(entry: EventTypeVersion): string {
  // The anchor that GitHub makes of a heading: lower case, without punctuation, blanks as dashes.
  return titleOf(entry)
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

function writerOf(type: string): string {
  const family = familyOf(type);
  if (INPUT_FAMILIES.some((name) => name === family)) return 'a source declared for the family';
  if (KNOWLEDGE_FAMILIES.some((name) => name === family)) return 'a source declared authoritative';
  return family === CLOCK_FAMILY ? 'the engine, or the source that carries the clock' : 'the engine';
}
