import {
  CHANGE_ASSESSMENT_SCHEMA,
  ProtegoError,
  newAjv,
  type ChangeAssessment,
  type JsonSchema,
} from '@protego/contracts';
import type { MuteRequest, RecordSelection, UnmuteRequest } from '@protego/event-log';

/** Input of each command that the engine takes while it holds the log. */
export interface CommandInputs {
  readonly checkpoint: Record<string, never>;
  /** `searchTexts` false leaves out the search for texts in which a name still stands. */
  readonly erase: { readonly subject: string; readonly reason: string; readonly searchTexts?: boolean };
  readonly expire: { readonly olderThanMs: number; readonly reason: string };
  /** `receiver`: public key, PEM or JWK. */
  readonly export: {
    readonly selection: RecordSelection;
    readonly purpose: string;
    readonly receiver?: string;
    readonly earlierCheckpoint?: string;
    /** Claim of a detection that the records are to show; it goes into the manifest of the bundle once it was checked. */
    readonly claim?: Record<string, unknown>;
  };
  readonly 'detection-mute': MuteRequest;
  readonly 'detection-acknowledge': MuteRequest;
  readonly 'detection-unmute': UnmuteRequest;
  /** `set`: hash of a set that the store of the log holds. `approvals`: signed notes. `leavesOutBroken`: files that do not compile. */
  readonly 'artefact-activate': ArtefactActivation;
  readonly 'artefact-retire': Pick<ArtefactActivation, 'set' | 'reason' | 'actor'>;
  /** `directory`: absolute path on the machine of the engine. */
  readonly backup: { readonly directory: string; readonly keepCount?: number };
  /** `nonce`: the verifier's random bytes, hex. */
  readonly 'enclave-attest': { readonly nonce: string };
  readonly 'enclave-inspect': Record<string, never>;
  readonly 'rotate-data-key': Record<string, never>;
  readonly 'change-assessed': ChangeAssessment;
  readonly reveal: { readonly selection: RecordSelection; readonly reason: string; readonly recordsMax?: number };
}

/** What brings a set of artefacts into force. */
export interface ArtefactActivation {
  readonly set: string;
  readonly reason: string;
  readonly actor?: string;
  readonly approvals?: readonly string[];
  readonly leavesOutBroken?: boolean;
}

/** Name of a command, and last token of its subject. */
export type CommandName = keyof CommandInputs;

/** Most records that one command shows in clear. */
export const REVEALED_RECORDS_MAX = 1_000;

const text = (charactersMax: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength: charactersMax });
const seq: JsonSchema = { type: 'integer', minimum: 0 };
const timeMs: JsonSchema = { type: 'number' };
const reason = text(1_000);
const set: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const closed = (properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});
const selection = closed({
  fromSeq: seq,
  toSeq: seq,
  fromTimeMs: timeMs,
  toTimeMs: timeMs,
  types: { type: 'array', minItems: 1, maxItems: 64, items: text(128) },
  subject: text(1_024),
  seqRanges: {
    type: 'array',
    minItems: 1,
    maxItems: 10_001,
    items: closed({ fromSeq: seq, toSeq: seq }, ['fromSeq', 'toSeq']),
  },
});

const mute = closed(
  {
    rule: text(256),
    entity: closed({ kind: text(64), id: text(256) }, ['kind', 'id']),
    detection: text(64),
    expiresAtMs: timeMs,
    forMs: { type: 'number', exclusiveMinimum: 0 },
    reason,
    actor: text(256),
  },
  ['reason'],
);

const SCHEMAS: Readonly<Record<CommandName, JsonSchema>> = {
  checkpoint: closed({}),
  erase: closed({ subject: text(1_024), reason, searchTexts: { type: 'boolean' } }, ['subject', 'reason']),
  expire: closed({ olderThanMs: { type: 'number', exclusiveMinimum: 0 }, reason }, ['olderThanMs', 'reason']),
  export: closed(
    {
      selection,
      purpose: text(1_000),
      receiver: text(16_384),
      earlierCheckpoint: text(16_384),
      claim: { type: 'object' },
    },
    ['selection', 'purpose'],
  ),
  backup: closed(
    { directory: { ...text(4_096), pattern: '^/' }, keepCount: { type: 'integer', minimum: 1, maximum: 10_000 } },
    ['directory'],
  ),
  'detection-mute': mute,
  'detection-acknowledge': mute,
  'detection-unmute': closed({ mute: text(256), reason, actor: text(256) }, ['mute', 'reason']),
  'artefact-activate': closed(
    {
      ...{ set, reason, actor: text(256), leavesOutBroken: { type: 'boolean' } },
      approvals: { type: 'array', maxItems: 64, items: text(16_384) },
    },
    ['set', 'reason'],
  ),
  'artefact-retire': closed({ set, reason, actor: text(256) }, ['set', 'reason']),
  'enclave-attest': closed({ nonce: { type: 'string', pattern: '^([0-9a-f]{2}){16,64}$' } }, ['nonce']),
  'enclave-inspect': closed({}),
  reveal: closed({ selection, reason, recordsMax: { type: 'integer', minimum: 1, maximum: REVEALED_RECORDS_MAX } }, [
    'selection',
    'reason',
  ]),
  'rotate-data-key': closed({}),
  'change-assessed': { ...CHANGE_ASSESSMENT_SCHEMA, additionalProperties: false },
};

const ajv = newAjv();
const validators = new Map(Object.entries(SCHEMAS).map(([name, schema]) => [name, ajv.compile(schema)]));

/** Names of all commands. */
export const COMMAND_NAMES = Object.keys(SCHEMAS) as CommandName[];

/**
 * Reads the input of a command; an empty message stands for an empty object.
 *
 * @throws ProtegoError `REQUEST_INVALID`
 */
export function parseCommandInput<Name extends CommandName>(name: Name, bytes: Uint8Array): CommandInputs[Name] {
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ProtegoError('REQUEST_INVALID', `the input of \`${name}\` is not JSON in UTF-8`, {}, { cause });
  }
  const validate = validators.get(name);
  if (validate?.(value) === true) return value as CommandInputs[Name];
  const first = validate?.errors?.[0];
  const field = first?.instancePath.slice(1) ?? '';
  throw new ProtegoError('REQUEST_INVALID', `input of \`${name}\`: \`${field}\` ${first?.message ?? 'is invalid'}`, {
    command: name,
    field,
  });
}
