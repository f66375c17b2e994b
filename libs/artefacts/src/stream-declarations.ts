import { join } from 'node:path';
import { ProtegoError, parseCheckedYaml, type JsonSchema } from '@protego/contracts';
import { readText } from './artefact-file';

/** A JetStream stream of a site; names and meanings follow the NATS stream configuration. */
export interface StreamDeclaration {
  readonly name: string;
  readonly description: string;
  /** Subjects whose messages it stores; `*` and `>` are NATS wildcards. */
  readonly subjects: readonly string[];
  /** `workqueue`: a message goes when it is acknowledged. `limits`: it goes when a limit is reached. */
  readonly retention: 'workqueue' | 'limits';
  /** Always `file`: what was acknowledged must outlive the server. */
  readonly storage: 'file';
  /** Age at which a message goes, milliseconds; 0 for never. */
  readonly maxAgeMs: number;
  /** Most bytes that the stream stores. */
  readonly maxBytes: number;
  /** Most bytes of one message; a larger one is refused on its publisher's reply. No bound but the server's where missing. */
  readonly messageBytesMax?: number;
  /** What a full stream drops: its `old`est messages, or the `new` one, whose sender is told. */
  readonly discard: 'old' | 'new';
  /** How long a message id is remembered to drop repeated ones, milliseconds. */
  readonly duplicateWindowMs: number;
}

/** Most bytes of one declaration file. */
export const DECLARATION_BYTES_MAX = 1_048_576;

const durationMs: JsonSchema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const STREAMS_SCHEMA: JsonSchema = {
  type: 'object',
  required: ['streams'],
  additionalProperties: false,
  properties: {
    streams: {
      type: 'array',
      maxItems: 64,
      items: {
        type: 'object',
        required: [
          'name',
          'description',
          'subjects',
          'retention',
          'maxAgeMs',
          'maxBytes',
          'discard',
          'duplicateWindowMs',
        ],
        additionalProperties: false,
        properties: {
          name: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,255}$' },
          description: { type: 'string', minLength: 1, maxLength: 4096 },
          subjects: {
            type: 'array',
            minItems: 1,
            maxItems: 256,
            uniqueItems: true,
            items: { type: 'string', pattern: '^[A-Za-z0-9_*-]+(\\.[A-Za-z0-9_*-]+)*(\\.>)?$' },
          },
          retention: { enum: ['workqueue', 'limits'] },
          storage: { const: 'file' },
          maxAgeMs: durationMs,
          maxBytes: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
          messageBytesMax: { type: 'integer', minimum: 1, maximum: 67_108_864 },
          discard: { enum: ['old', 'new'] },
          duplicateWindowMs: durationMs,
        },
      },
    },
  },
};

/**
 * Reads `streams.yaml`.
 *
 * @throws ProtegoError `DECLARATION_INVALID` with path, line and key
 */
export function parseStreamDeclarations(yamlText: string, path: string): StreamDeclaration[] {
  const { streams } = parseCheckedYaml(yamlText, path, STREAMS_SCHEMA, 'DECLARATION_INVALID') as {
    streams: (Omit<StreamDeclaration, 'storage'> & { storage?: StreamDeclaration['storage'] })[];
  };
  const seen = new Set<string>();
  for (const { name, maxAgeMs, duplicateWindowMs } of streams) {
    if (seen.has(name)) invalid(path, name, 'is declared twice');
    // The server refuses it too, but only when the engine starts.
    if (maxAgeMs > 0 && duplicateWindowMs > maxAgeMs) invalid(path, name, 'remembers ids for longer than messages');
    seen.add(name);
  }
  return streams.map((stream) => ({ storage: 'file', ...stream }));
}

/**
 * The streams declared in `<streamsDir>/declarations/streams.yaml`.
 *
 * @throws ProtegoError `ARTEFACT_INVALID` when the file cannot be read, `DECLARATION_INVALID` when it is wrong
 */
export function loadStreamDeclarations(streamsDir: string): StreamDeclaration[] {
  const path = join(streamsDir, 'declarations', 'streams.yaml');
  return parseStreamDeclarations(readText(path, DECLARATION_BYTES_MAX), path);
}

function invalid(path: string, name: string, problem: string): never {
  throw new ProtegoError('DECLARATION_INVALID', `${path}: stream \`${name}\` ${problem}`, { path, name });
}
