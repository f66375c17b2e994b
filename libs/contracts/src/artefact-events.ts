import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json';
import type { EventTypeVersion, JsonSchema } from './event-registry';
import { count, object, string, version1 } from './type-shapes';

/** A signature under the statement of an activation, as it stands in the event. */
export interface ArtefactSignature {
  /** Name of the approver. */
  readonly name: string;
  /** C2SP verifier key (name, key id, Ed25519 key) that the signature verifies with. */
  readonly key: string;
  /** As in a C2SP signed note: key id and signature, base64. */
  readonly signature: string;
}

/** Payload of `artefact.activated`, version 1; what follows `hashes` is missing in events of older engines. */
export interface ArtefactActivated {
  readonly name: 'pipeline';
  /** SHA-256 (hex) by name: `rules`, `sources`, and `placeholders` where there are some. */
  readonly hashes: Readonly<Record<string, string>>;
  /** {@link artefactSetHash} of `hashes`. */
  readonly set?: string;
  /** Set that was in force until then; missing when none was. */
  readonly previous?: string;
  /** Seq of the last `artefact.*` event before; missing when there was none. */
  readonly after?: number;
  /** `start`: from the directory of the engine; `engine`: on a command; `offline`: on a command while no engine ran. */
  readonly via?: 'start' | 'engine' | 'offline';
  /** Why; it stays in the log in clear. */
  readonly reason?: string;
  /** Token of whoever asked for it. */
  readonly actor?: string;
  readonly signatures?: readonly ArtefactSignature[];
}

/** Payload of `artefact.retired`, version 1. */
export interface ArtefactRetired {
  readonly set: string;
  /** Why; it stays in the log in clear. */
  readonly reason: string;
  /** Token of whoever asked for it. */
  readonly actor?: string;
}

/** Name of a set of artefacts: SHA-256 (hex) of the canonical JSON (RFC 8785) of its hashes by name. */
export function artefactSetHash(hashes: Readonly<Record<string, string>>): string {
  return hash('sha256', canonicalJson(hashes), 'hex');
}

const sha256: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const reason: JsonSchema = { type: 'string', minLength: 1, maxLength: 1_000 };
const actor: JsonSchema = { type: 'string', minLength: 1, maxLength: 64 };
const signature = object({ name: string, key: string, signature: string }, ['name', 'key', 'signature']);

/** Types of the events that say which rules and declarations are in force. */
export const ARTEFACT_TYPES: readonly EventTypeVersion[] = [
  version1(
    'artefact.activated',
    'Rules and declarations came into force: what is found from here on is found with them.',
    object(
      {
        name: string,
        hashes: { type: 'object', additionalProperties: string },
        set: sha256,
        previous: sha256,
        after: count,
        via: { enum: ['start', 'engine', 'offline'] },
        reason,
        actor,
        signatures: { type: 'array', maxItems: 64, items: signature },
      },
      ['name', 'hashes'],
    ),
  ),
  version1(
    'artefact.retired',
    'A set of rules and declarations must not come into force again without a fresh approval.',
    object({ set: sha256, reason, actor }, ['set', 'reason']),
  ),
];
