import { parseCheckedYaml } from './declarations';
import { ProtegoError } from './error';
import type { JsonSchema } from './event-registry';

/** `protego.yaml`, with defaults filled in. */
export interface ProtegoConfig {
  readonly site: string;
  /** `wall`: the engine's own clock. `feed`: a declared producer carries it. */
  readonly clock: 'wall' | 'feed';
  /** Directory of the event log. */
  readonly logDir: string;
  /** Directory of the log's keys and of the vault of person keys; empty: `keys` inside `logDir`. */
  readonly keysDir: string;
  /** File with the key of tokens that all logs of the installation share. */
  readonly pseudonymKeyFile: string;
  /** Sign and publish a checkpoint after so many records, or so many milliseconds after the first new one. */
  readonly checkpoint: { readonly everyRecords: number; readonly everyMs: number };
  /** How long the log remembers ids of events, milliseconds of arrival time. */
  readonly dedupeHorizonMs: number;
  /** Directory of rules, declarations and policies. */
  readonly streamsDir: string;
  /**
   * `processes` hold the keys of persons and seal what comes in. `platformDir`: directory of the emulated platform that they run
   * on; empty: `platform` beside `logDir`. `unlock`: files with the secrets that unlock a sealed root, in their order.
   */
  readonly enclave: {
    readonly processes: number;
    readonly platformDir: string;
    readonly unlock: readonly { readonly kind: 'key-file' | 'passphrase'; readonly path: string }[];
  };
  readonly nats: { readonly url: string; readonly user: string; readonly passwordFile: string };
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly certFile: string;
    readonly keyFile: string;
    readonly bodyBytesMax: number;
  };
  /** SHA-256 (hex) of the bearer token of a source that posts over HTTP. */
  readonly tokens: readonly { readonly source: string; readonly tokenSha256: string }[];
  readonly intake: { readonly batchEventsMax: number; readonly queueEventsMax: number };
  /**
   * Whose signatures a set of artefacts needs before it comes into force: so many of the approvers'; 0 for none. `publicKey`:
   * Ed25519, PEM or C2SP verifier key.
   */
  readonly artefacts: {
    readonly approvals: number;
    readonly approvers: readonly { readonly name: string; readonly publicKey: string }[];
  };
  /** Append `clock.ticked` after this much silence, milliseconds; only on clock `wall`. */
  readonly tickAfterMs: number;
}

interface ConfigKey {
  readonly schema: JsonSchema;
  readonly fallback: unknown;
  readonly description: string;
}

const key = (schema: JsonSchema, fallback: unknown, description: string): ConfigKey => ({
  schema,
  fallback,
  description,
});
const positive = (maximum: number): JsonSchema => ({ type: 'integer', minimum: 1, maximum });

/** Every key of `protego.yaml` by dotted name, with schema, default and meaning; the reference is made from it. */
export const CONFIG_KEYS: Readonly<Record<string, ConfigKey>> = {
  site: key(
    { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,63}$' },
    undefined,
    'Name of the site; the second token of every subject.',
  ),
  clock: key(
    { enum: ['wall', 'feed'] },
    'wall',
    'Who carries pipeline time: the engine, or a producer declared with `carriesClock`.',
  ),
  logDir: key({ type: 'string', minLength: 1 }, '.protego/log', 'Directory of the event log.'),
  keysDir: key(
    { type: 'string' },
    '',
    "Directory of the log's keys and of the vault of person keys; empty means `keys` inside `logDir`. Keep it on another disk than the backups of the log.",
  ),
  pseudonymKeyFile: key(
    { type: 'string', minLength: 1 },
    '.protego/pseudonym.key',
    'File with the key of tokens: a person has one token in all logs whose keys were made with it. Made when it is missing.',
  ),
  'checkpoint.everyRecords': key(positive(1 << 24), 65_536, 'Sign and publish a checkpoint after so many new records.'),
  'checkpoint.everyMs': key(
    positive(86_400_000),
    10_000,
    'Sign and publish a checkpoint at the latest so long after the first record that the last one did not cover, milliseconds.',
  ),
  dedupeHorizonMs: key(
    positive(31_622_400_000),
    2_592_000_000,
    'How long an id of an event is remembered, milliseconds of arrival time.',
  ),
  streamsDir: key({ type: 'string', minLength: 1 }, 'streams', 'Directory that holds `declarations/` and `rules/`.'),
  'enclave.processes': key(
    positive(16),
    2,
    'Processes of the enclave, which parse and seal what comes in. With more of them than cores nothing is gained.',
  ),
  'enclave.platformDir': key(
    { type: 'string' },
    '',
    'Directory of the emulated platform that the enclave runs on; empty means `platform` beside `logDir`. Made when it is missing. Keep it out of backups.',
  ),
  'enclave.unlock': key(
    {
      type: 'array',
      maxItems: 2,
      items: {
        type: 'object',
        required: ['kind', 'path'],
        additionalProperties: false,
        properties: { kind: { enum: ['key-file', 'passphrase'] }, path: { type: 'string', minLength: 1 } },
      },
    },
    [],
    'Files with the secrets that unlock the root secret of the log where it is sealed (`protego enclave seal`), in the order of the sealing. The enclave reads them when it starts; a passphrase may come through a FIFO. For their owner only.',
  ),
  'nats.url': key(
    { type: 'string', pattern: '^(nats|tls)://' },
    'nats://127.0.0.1:4222',
    'Server; `tls://` is required off loopback.',
  ),
  'nats.user': key({ type: 'string', minLength: 1 }, 'engine', 'User of the engine.'),
  'nats.passwordFile': key(
    { type: 'string', minLength: 1 },
    '.protego/nats/engine.password',
    'File that holds its password.',
  ),
  'http.host': key({ type: 'string', minLength: 1 }, '127.0.0.1', 'Address to listen on.'),
  'http.port': key({ type: 'integer', minimum: 0, maximum: 65_535 }, 8686, 'Port to listen on; 0 picks a free one.'),
  'http.certFile': key({ type: 'string' }, '', 'PEM certificate; required off loopback.'),
  'http.keyFile': key({ type: 'string' }, '', 'PEM private key of the certificate.'),
  'http.bodyBytesMax': key(positive(1 << 26), 8_388_608, 'Largest request body, bytes.'),
  tokens: key(
    {
      type: 'array',
      maxItems: 256,
      items: {
        type: 'object',
        required: ['source', 'tokenSha256'],
        additionalProperties: false,
        properties: { source: { type: 'string' }, tokenSha256: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
      },
    },
    [],
    'Bearer tokens of sources that post over HTTP, as SHA-256 in hex.',
  ),
  'intake.batchEventsMax': key(positive(4096), 512, 'Most events that are appended in one group commit.'),
  'intake.queueEventsMax': key(
    positive(1 << 20),
    8192,
    'Most events that wait for the log; beyond it HTTP answers 429.',
  ),
  'artefacts.approvals': key(
    { type: 'integer', minimum: 0, maximum: 8 },
    0,
    'How many of the approvers must have signed before a set of rules and declarations comes into force (`protego artefact approve`); 0 asks for none.',
  ),
  'artefacts.approvers': key(
    {
      type: 'array',
      maxItems: 64,
      items: {
        type: 'object',
        required: ['name', 'publicKey'],
        additionalProperties: false,
        properties: {
          name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$' },
          publicKey: { type: 'string', minLength: 1, maxLength: 4_096 },
        },
      },
    },
    [],
    'Who may approve: a name, and an Ed25519 public key as PEM or as a C2SP verifier key of that name.',
  ),
  tickAfterMs: key(positive(3_600_000), 5000, 'Silence after which the engine appends `clock.ticked`, milliseconds.'),
};

const CONFIG_SCHEMA = nestedSchema();

/**
 * Reads `protego.yaml`; `PROTEGO_<KEY>` in the environment (dots become `_`, upper case) overrides a scalar key.
 *
 * @throws ProtegoError `CONFIG_INVALID` with path, line and key
 */
export function parseConfig(
  yamlText: string,
  path: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): ProtegoConfig {
  const written = parseCheckedYaml(yamlText, path, CONFIG_SCHEMA, 'CONFIG_INVALID') as Record<string, unknown>;
  const config: Record<string, unknown> = {};
  for (const [name, { schema, fallback }] of Object.entries(CONFIG_KEYS)) {
    const value = overrideOf(name, schema, environment) ?? valueAt(written, name) ?? fallback;
    if (value === undefined)
      throw new ProtegoError('CONFIG_INVALID', `${path}: \`${name}\` is missing`, { path, key: name });
    put(config, name, value);
  }
  parseCheckedYaml(JSON.stringify(config), `${path} with environment`, CONFIG_SCHEMA, 'CONFIG_INVALID');
  return config as unknown as ProtegoConfig;
}

/** Name of the environment variable that overrides a key. */
export function environmentNameOf(name: string): string {
  return `PROTEGO_${name.replaceAll('.', '_').toUpperCase()}`;
}

function overrideOf(
  name: string,
  schema: JsonSchema,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  const text = environment[environmentNameOf(name)];
  if (text === undefined || schema['type'] === 'array') return undefined;
  return schema['type'] === 'integer' && /^\d+$/.test(text) ? Number(text) : text;
}

function valueAt(object: Record<string, unknown>, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], object);
}

function put(object: Record<string, unknown>, name: string, value: unknown): void {
  const [head = '', ...rest] = name.split('.');
  if (rest.length === 0) object[head] = value;
  else put((object[head] ??= {}) as Record<string, unknown>, rest.join('.'), value);
}

function nestedSchema(): JsonSchema {
  const properties: Record<string, unknown> = {};
  for (const [name, { schema }] of Object.entries(CONFIG_KEYS)) {
    const [head = '', leaf] = name.split('.');
    if (leaf === undefined) properties[head] = schema;
    else {
      const group = (properties[head] ??= { type: 'object', additionalProperties: false, properties: {} }) as {
        properties: Record<string, unknown>;
      };
      group.properties[leaf] = schema;
    }
  }
  // Nothing is required here: what the file leaves out may come from the environment.
  return { type: 'object', additionalProperties: false, properties };
}
