import { CONFIG_KEYS, environmentNameOf } from '@protego/contracts';
import { GENERATED, code, table } from './markdown';
import { schemaText } from './schema-text';

/** `configuration.md`: every key of `protego.yaml`. */
export function configurationPage(): string {
  const rows = Object.entries(CONFIG_KEYS).map(([name, { schema, fallback, description }]) => [
    code(name),
    fallback === undefined ? 'none: it must be set' : code(JSON.stringify(fallback)),
    schema['type'] === 'array' ? 'none' : code(environmentNameOf(name)),
    schemaText(schema),
    description,
  ]);
  return `${GENERATED}

# Configuration

The engine reads \`protego.yaml\`. A dotted key is nested: \`http.port\` is \`port\` under \`http\`. An environment variable
overrides the file. A key that is not listed is an error that names its line.

${table(['Key', 'Default', 'Environment variable', 'Form', 'Meaning'], rows)}`;
}
