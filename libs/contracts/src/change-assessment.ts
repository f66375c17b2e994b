import type { JsonSchema } from './event-registry';
import { count, object, string } from './type-shapes';

/** Payload of `artefact.change-assessed`, version 1: what a what-if found, in hashes and counts. It names nobody. */
export interface ChangeAssessment {
  /** SHA-256 (hex) of the difference without what the runs took: equal for the same log, range, content of sets and engine. */
  readonly diffHash: string;
  /** SHA-256 (hex) of the signed change record. */
  readonly recordHash: string;
  /** Size and RFC 6962 root (hex) of the log that was replayed. */
  readonly log: { readonly size: number; readonly rootHash: string };
  /** Event times (RFC 3339) or seqs of the results; null: open. */
  readonly range: { readonly from: string | number | null; readonly to: string | number | null };
  readonly baseline: AssessedSet;
  readonly candidate: AssessedSet;
  /** Documents that differ between the sets. */
  readonly documents: number;
  /** Findings by what became of them. */
  readonly differences: {
    readonly added: number;
    readonly lost: number;
    readonly earlier: number;
    readonly later: number;
    readonly changed: number;
  };
  /** Gates that were asked for, and those of them that failed. */
  readonly gates: { readonly asked: readonly string[]; readonly failed: readonly string[] };
  /** Why. It stands in the log in clear: it must not name anybody. */
  readonly reason: string;
}

/** One set of artefacts and what a replay made with it. */
export interface AssessedSet {
  /** SHA-256 (hex) by name. */
  readonly artefacts: Readonly<Record<string, string>>;
  readonly outputHash: string;
  readonly findings: number;
}

/** Longest reason, characters. */
export const ASSESSMENT_REASON_MAX = 1_000;

const sha256: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const names: JsonSchema = { type: 'array', maxItems: 64, items: string };
const set: JsonSchema = object(
  {
    artefacts: { type: 'object', maxProperties: 64, additionalProperties: sha256 },
    outputHash: sha256,
    findings: count,
  },
  ['artefacts', 'outputHash', 'findings'],
);
const bound: JsonSchema = { anyOf: [{ type: 'string', maxLength: 64 }, count, { type: 'null' }] };

/** JSON Schema of {@link ChangeAssessment}. */
export const CHANGE_ASSESSMENT_SCHEMA: JsonSchema = object(
  {
    diffHash: sha256,
    recordHash: sha256,
    log: object({ size: count, rootHash: sha256 }, ['size', 'rootHash']),
    range: object({ from: bound, to: bound }, ['from', 'to']),
    baseline: set,
    candidate: set,
    documents: count,
    differences: object({ added: count, lost: count, earlier: count, later: count, changed: count }, [
      'added',
      'lost',
      'earlier',
      'later',
      'changed',
    ]),
    gates: object({ asked: names, failed: names }, ['asked', 'failed']),
    reason: { type: 'string', minLength: 1, maxLength: ASSESSMENT_REASON_MAX },
  },
  ['diffHash', 'recordHash', 'log', 'range', 'baseline', 'candidate', 'documents', 'differences', 'gates', 'reason'],
);
