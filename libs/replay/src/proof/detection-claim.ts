import { DETECTION_SCHEMA, ProtegoError, newAjv, type Detection, type JsonSchema } from '@protego/contracts';

/** A file by its path, with its text. */
export interface ClaimFile {
  readonly path: string;
  readonly text: string;
}

/** What of the log a proof holds beside the detection itself. */
export type ClaimCoverage =
  /** The contributing records: enough where each event is judged by itself. */
  | { readonly kind: 'records' }
  /** All records of `[fromSeq, toSeq)`: nothing in it was left out or slipped in. */
  | { readonly kind: 'range'; readonly fromSeq: number; readonly toSeq: number }
  /** The contributing records only, although the rule looks at more; `because` says why in one word. */
  | { readonly kind: 'events'; readonly because: 'range-too-long' | 'not-reproduced' };

/** What a proof file says of one detection, and what the rule needs to be run again. It is part of a bundle's manifest. */
export interface DetectionClaim {
  readonly format: 1;
  /** As it stands in `detections.jsonl`: without `evidence`. */
  readonly detection: Detection;
  /** Sequence numbers of all contributing events, ascending. */
  readonly seqs: readonly number[];
  /** Seq of the `detection.raised` event where the log holds one. */
  readonly recordedSeq: number | null;
  /** Rule documents as they decide; null for a built-in detector. */
  readonly rules: {
    /** All files of the set in its order; where they are too long, those of the rule, its members and their filters. */
    readonly files: readonly ClaimFile[];
    /** Path and SHA-256 (hex) of all rule files of the set; null where they are too many to list. */
    readonly listing: readonly { readonly path: string; readonly sha256: string }[] | null;
  } | null;
  /** `sources.yaml`, and `placeholders.yaml` where the set has one. */
  readonly declarations: readonly ClaimFile[];
  /** Name → SHA-256 of what the pipeline was built from. */
  readonly artefacts: Readonly<Record<string, string>>;
  /** SHA-256 of the code that made the detection. */
  readonly engine: string;
  /** `stored`: the rule says the same of pseudonyms; `opened`: it needs personal fields in clear. */
  readonly fields: 'stored' | 'opened';
  readonly coverage: ClaimCoverage;
}

/** Most rule files that a claim lists. */
export const CLAIM_LISTING_MAX = 4_096;
/** Most bytes of a claim as JSON: it travels as one message where the engine makes the proof. */
export const CLAIM_BYTES_MAX = 786_432;

const seq: JsonSchema = { type: 'integer', minimum: 0 };
const sha256: JsonSchema = { type: 'string', pattern: '^[0-9a-f]{64}$' };
const text: JsonSchema = { type: 'string' };
const closed = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
});
const files: JsonSchema = { type: 'array', maxItems: CLAIM_LISTING_MAX, items: closed({ path: text, text }) };
const { evidence: _evidence, ...detectionProperties } = DETECTION_SCHEMA['properties'] as Record<string, JsonSchema>;

const CLAIM_SCHEMA = closed({
  format: { const: 1 },
  detection: {
    ...DETECTION_SCHEMA,
    additionalProperties: false,
    required: (DETECTION_SCHEMA['required'] as string[]).filter((name) => name !== 'evidence'),
    properties: detectionProperties,
  },
  seqs: { type: 'array', minItems: 1, items: seq },
  recordedSeq: { anyOf: [{ type: 'null' }, seq] },
  rules: {
    anyOf: [
      { type: 'null' },
      closed({
        files,
        listing: {
          anyOf: [
            { type: 'null' },
            { type: 'array', maxItems: CLAIM_LISTING_MAX, items: closed({ path: text, sha256 }) },
          ],
        },
      }),
    ],
  },
  declarations: files,
  artefacts: { type: 'object', additionalProperties: sha256 },
  engine: text,
  fields: { enum: ['stored', 'opened'] },
  coverage: {
    anyOf: [
      closed({ kind: { const: 'records' } }),
      closed({ kind: { const: 'range' }, fromSeq: seq, toSeq: seq }),
      closed({ kind: { const: 'events' }, because: { enum: ['range-too-long', 'not-reproduced'] } }),
    ],
  },
});

const validate = newAjv().compile(CLAIM_SCHEMA);

/**
 * Reads the claim of a proof file.
 *
 * @throws ProtegoError `PROOF_INVALID` when it is no claim of a detection
 */
export function parseClaim(value: unknown): DetectionClaim {
  if (value === undefined) throw new ProtegoError('PROOF_INVALID', 'the bundle makes no claim about a detection');
  if (validate(value)) {
    const claim = value as DetectionClaim;
    const isAscending = claim.seqs.every((each, i) => i === 0 || each > (claim.seqs[i - 1] as number));
    if (isAscending) return claim;
    throw new ProtegoError('PROOF_INVALID', 'the claim does not name its events in order');
  }
  const [first] = validate.errors ?? [];
  throw new ProtegoError(
    'PROOF_INVALID',
    `the claim is none: \`${first?.instancePath ?? ''}\` ${first?.message ?? ''}`,
  );
}

/** Half-open ranges of seqs that a proof of the claim holds, ascending and apart. */
export function seqRangesOf({ seqs, recordedSeq, coverage }: DetectionClaim): { fromSeq: number; toSeq: number }[] {
  const wanted = new Set([...seqs, ...(recordedSeq === null ? [] : [recordedSeq])]);
  const ranges = [...wanted].map((each) => ({ fromSeq: each, toSeq: each + 1 }));
  if (coverage.kind === 'range') ranges.push({ fromSeq: coverage.fromSeq, toSeq: coverage.toSeq });
  ranges.sort((a, b) => a.fromSeq - b.fromSeq || b.toSeq - a.toSeq);
  const apart: { fromSeq: number; toSeq: number }[] = [];
  for (const range of ranges) {
    const last = apart.at(-1);
    if (last === undefined || range.fromSeq > last.toSeq) apart.push({ ...range });
    else last.toSeq = Math.max(last.toSeq, range.toSeq);
  }
  return apart;
}
