import type { JsonSchema } from './event-registry';

/** Sigma levels, least first. */
export const SEVERITIES = ['informational', 'low', 'medium', 'high', 'critical'] as const;
/** How bad it is if it is true. */
export type Severity = (typeof SEVERITIES)[number];
/** How sure the rule is. */
export const CONFIDENCES = ['low', 'medium', 'high'] as const;
/** One of {@link CONFIDENCES}. */
export type Confidence = (typeof CONFIDENCES)[number];

/** What a detection is about. */
export interface DetectionEntity {
  /** `person`, `device`, `address`, `patient`, `host` … */
  readonly kind: string;
  readonly id: string;
}

/** A value that the events of a detection have in common. */
export interface DetectionGroupField {
  /** Field, or alias, of the rule. */
  readonly field: string;
  readonly text: string;
}

/** What the detection rests on, in the log that it was raised from. */
export interface DetectionEvidence {
  /** Sequence numbers of the contributing events, ascending. */
  readonly seqs: readonly number[];
  /** Size and RFC 6962 root (hex) of the log when the detection was raised; it covers every seq. */
  readonly checkpoint: { readonly size: number; readonly rootHash: string };
}

/** Payload of `detection.raised`, version 1; only additive changes. */
export interface Detection {
  /** Hash of rule content, group key, window bounds and (source, id) of the contributing events; 32 hex digits. */
  readonly id: string;
  readonly ruleId: string;
  /** SHA-256 of the rule's content, hex. */
  readonly ruleHash: string;
  readonly title: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly entities: readonly DetectionEntity[];
  /** Half-open `[start, end)` in event time, RFC 3339. */
  readonly window: { readonly start: string; readonly end: string };
  /** Event time at which the result became certain, RFC 3339. */
  readonly certainAt: string;
  /** What happened, in plain words. */
  readonly why: string;
  /** What a person should do now. */
  readonly nextStep: string;
  /** What else it could be. */
  readonly harmlessExplanation: string;
  /** ATT&CK technique and tactic ids. */
  readonly attack: readonly string[];
  /** Contributing events: how many. */
  readonly eventCount: number;
  /** For a correlation: the values that its events have in common, in the order of `group-by`. */
  readonly group?: readonly DetectionGroupField[];
  /** For a correlation: the count, sum, average, median or percentile that met its condition. */
  readonly value?: number;
  /** Set when a contributing event came later, or claimed a later time, than its source is allowed. */
  readonly timing?: 'late' | 'skewed';
  readonly status: 'raised' | 'updated' | 'muted';
  /** Present in the log and on the bus; absent in `detections.jsonl`, which must not depend on seq. */
  readonly evidence?: DetectionEvidence;
}

const text: JsonSchema = { type: 'string' };

/** JSON Schema of {@link Detection}. */
export const DETECTION_SCHEMA: JsonSchema = {
  type: 'object',
  required: [
    'id',
    'ruleId',
    'ruleHash',
    'title',
    'severity',
    'confidence',
    'entities',
    'window',
    'certainAt',
    'why',
    'nextStep',
    'harmlessExplanation',
    'attack',
    'eventCount',
    'status',
    'evidence',
  ],
  properties: {
    id: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    ruleId: { type: 'string', minLength: 1 },
    ruleHash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    title: text,
    severity: { enum: [...SEVERITIES] },
    confidence: { enum: [...CONFIDENCES] },
    entities: {
      type: 'array',
      items: { type: 'object', required: ['kind', 'id'], properties: { kind: text, id: text } },
    },
    window: {
      type: 'object',
      required: ['start', 'end'],
      properties: { start: { type: 'string', format: 'date-time' }, end: { type: 'string', format: 'date-time' } },
    },
    certainAt: { type: 'string', format: 'date-time' },
    why: text,
    nextStep: text,
    harmlessExplanation: text,
    attack: { type: 'array', items: text },
    eventCount: { type: 'integer', minimum: 1 },
    group: {
      type: 'array',
      items: { type: 'object', required: ['field', 'text'], properties: { field: text, text } },
    },
    value: { type: 'number' },
    timing: { enum: ['late', 'skewed'] },
    status: { enum: ['raised', 'updated', 'muted'] },
    evidence: {
      type: 'object',
      required: ['seqs', 'checkpoint'],
      properties: {
        seqs: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
        checkpoint: {
          type: 'object',
          required: ['size', 'rootHash'],
          properties: {
            size: { type: 'integer', minimum: 1 },
            rootHash: { type: 'string', pattern: '^[0-9a-f]{64}$' },
          },
        },
      },
    },
  },
};
