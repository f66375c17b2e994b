// Errors
export { ProtegoError, isProtegoError, messageOf, type ErrorDetails } from './error';
export { ERROR_CODES, type ErrorCode, type ErrorOrigin, type RetryAdvice } from './error-codes';
// Ports
export { systemClock, type Clock } from './clock';
// Names and time
export { SOURCE_COUNT_MAX, isNameToken, type EventSeq, type SiteName, type SourceName } from './ids';
export { formatRfc3339, parseRfc3339Ms } from './time';
// Events
export { EncodedTexts } from './encoded-texts';
export { decodeBody } from './body-decoder';
export { LearningCredit } from './learning-credit';
export { JSON_DEPTH_MAX, canonicalJson } from './canonical-json';
export { EVENT_BYTES_MAX, type EventData, type LoggedEvent, type ProtegoEvent } from './event';
export {
  readLoggedEvent,
  readLoggedEvents,
  type OpenPersonalFields,
  type OpenedEvent,
  type StoredEvent,
  type StoredFields,
} from './logged-event';
export {
  EventRegistry,
  dataschemaOf,
  familyOf,
  type EventFamily,
  type EventTypeVersion,
  type JsonSchema,
} from './event-registry';
export { CLOCK_FAMILY, INPUT_FAMILIES, KNOWLEDGE_FAMILIES, eventRegistry } from './event-types';
export { ENVELOPE_SCHEMA, EventValidator, newAjv } from './event-validator';
// Detections
export {
  CONFIDENCES,
  DETECTION_SCHEMA,
  SEVERITIES,
  type Confidence,
  type Detection,
  type DetectionEntity,
  type DetectionEvidence,
  type DetectionGroupField,
  type Severity,
} from './detection';
export {
  MUTE_ALIASES_MAX,
  MUTE_MS_MAX,
  type DetectionMute,
  type DetectionUnmute,
  type MutedEntity,
} from './detection-mute';
export {
  artefactSetHash,
  type ArtefactActivated,
  type ArtefactRetired,
  type ArtefactSignature,
} from './artefact-events';
// Subjects
export {
  REJECTION_HEADERS,
  REPLAY_SUBJECT_ROOT,
  SUBJECT_ROOT,
  checkpointSubject,
  commandSubject,
  detectionSubject,
  inputSubject,
  lateSubject,
  parseInputSubject,
  rejectedSubject,
  replayDetectionSubject,
  replayEndedSubject,
  ruleFailedSubject,
  skewedSubject,
  subjectToken,
  type InputSubject,
  type ReplaySubject,
} from './subjects';
// Declarations and configuration
export {
  parseCheckedYaml,
  parseSourceDeclarations,
  type SourceDeclaration,
  type SourceDeclarations,
} from './declarations';
export { UNDECLARED_FIELDS, parseFieldDeclarations, type FieldClasses } from './field-declarations';
export { type FieldClass, type FieldPlan, type FieldRule, type IdentityForm } from './field-plan';
export { EVENT_SUBJECTS_MAX, isPersonToken, subjectsOfEvent, subjectsOfNames } from './event-subjects';
export { CONFIG_KEYS, environmentNameOf, parseConfig, type ProtegoConfig } from './config';
export {
  ASSESSMENT_REASON_MAX,
  CHANGE_ASSESSMENT_SCHEMA,
  type AssessedSet,
  type ChangeAssessment,
} from './change-assessment';
export { type ActivityLabel } from './activity-label';
