import { asyncApiDocument } from './asyncapi';
import { configurationPage } from './configuration-page';
import { errorPage } from './error-page';
import { envelopeSchema, eventSchemas, schemaFileOf } from './event-schemas';
import { eventTypePage } from './event-type-page';

/** Every generated file of `docs/reference`: path within that folder → text. */
export function referenceFiles(): Map<string, string> {
  return new Map([
    ['errors.md', errorPage()],
    ['event-types.md', eventTypePage()],
    ['configuration.md', configurationPage()],
    ['asyncapi.yaml', asyncApiDocument()],
    ['schemas/event-envelope.json', jsonText(envelopeSchema())],
    ...eventSchemas().map(({ entry, schema }): [string, string] => [
      `schemas/${schemaFileOf(entry)}`,
      jsonText(schema),
    ]),
  ]);
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
