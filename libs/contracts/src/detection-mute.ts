import type { EventTypeVersion, JsonSchema } from './event-registry';

/** Longest time that a mute or an acknowledgement lasts, milliseconds: 366 days. */
export const MUTE_MS_MAX = 366 * 86_400_000;
/** Most other names of an entity that one mute lists. */
export const MUTE_ALIASES_MAX = 64;

/** Whom or what a mute is about, as it stands in the `entities` of detections: persons and patients by their tokens. */
export interface MutedEntity {
  /** `person`, `device`, `address`, `patient`, `host` … */
  readonly kind: string;
  readonly id: string;
  /** Further ids of the same one, such as the token of a person's account; at most {@link MUTE_ALIASES_MAX}. */
  readonly aliases?: readonly string[];
}

/**
 * Payload of `detection.muted` and `detection.acknowledged`, version 1: which detections are meant, and for how long. With a
 * rule and an entity both must fit.
 */
export interface DetectionMute {
  /** Id of the rule or detector. */
  readonly rule?: string;
  readonly entity?: MutedEntity;
  /** Id of the detection that it was made from; it chooses nothing itself. */
  readonly detection?: string;
  /** Event time from which it holds no more, RFC 3339; at most {@link MUTE_MS_MAX} after the time of the event. */
  readonly expiresAt: string;
  /** Why; it stays in the log in clear. */
  readonly reason: string;
  /** Token of whoever asked for it. */
  readonly actor?: string;
}

/** Payload of `detection.unmuted`, version 1: ends a mute or an acknowledgement early. */
export interface DetectionUnmute {
  /** Id of the event that began it. */
  readonly mute: string;
  /** Why; it stays in the log in clear. */
  readonly reason: string;
  /** Token of whoever asked for it. */
  readonly actor?: string;
}

const text = (maxLength: number): JsonSchema => ({ type: 'string', minLength: 1, maxLength });
const reason = text(1_000);
const actor = text(64);

const DETECTION_MUTE_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    rule: text(256),
    entity: {
      type: 'object',
      required: ['kind', 'id'],
      properties: {
        kind: text(64),
        id: text(256),
        aliases: { type: 'array', maxItems: MUTE_ALIASES_MAX, items: text(256) },
      },
    },
    detection: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    expiresAt: { type: 'string', format: 'date-time' },
    reason,
    actor,
  },
  required: ['expiresAt', 'reason'],
  anyOf: [{ required: ['rule'] }, { required: ['entity'] }],
};

const DETECTION_UNMUTE_SCHEMA: JsonSchema = {
  type: 'object',
  properties: { mute: text(256), reason, actor },
  required: ['mute', 'reason'],
};

/** Types of the events that say which detections are muted or acknowledged. */
export const DETECTION_MUTE_TYPES: readonly EventTypeVersion[] = [
  {
    type: 'detection.muted',
    version: 1,
    description:
      'Detections of a rule, about an entity, or both, are recorded with the status `muted` and not published until a time.',
    dataSchema: DETECTION_MUTE_SCHEMA,
  },
  {
    type: 'detection.acknowledged',
    version: 1,
    description: 'Somebody looks into such detections: until a time further ones have the status `updated`.',
    dataSchema: DETECTION_MUTE_SCHEMA,
  },
  {
    type: 'detection.unmuted',
    version: 1,
    description: 'A mute or an acknowledgement ended early.',
    dataSchema: DETECTION_UNMUTE_SCHEMA,
  },
];
