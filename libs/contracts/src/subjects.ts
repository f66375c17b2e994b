import { ProtegoError } from './error';
import { isNameToken } from './ids';
import type { Severity } from './detection';

/** Root of all live subjects. */
export const SUBJECT_ROOT = 'protego.v1';

/** Subject tokens that an input message carries. */
export interface InputSubject {
  readonly site: string;
  readonly family: string;
  readonly source: string;
}

/** `protego.v1.<site>.in.<family>.<source>`. */
export function inputSubject(site: string, family: string, source: string): string {
  return `${SUBJECT_ROOT}.${site}.in.${family}.${source}`;
}

/**
 * Parts of an input subject.
 *
 * @throws ProtegoError `SUBJECT_INVALID`
 */
export function parseInputSubject(subject: string): InputSubject {
  const tokens = subject.split('.');
  const [root, version, site = '', direction, family = '', source = ''] = tokens;
  const isShaped = tokens.length === 6 && `${root}.${version}` === SUBJECT_ROOT && direction === 'in';
  if (!isShaped || ![site, family, source].every(isNameToken)) {
    throw new ProtegoError('SUBJECT_INVALID', `subject \`${subject.slice(0, 200)}\` is not an input subject`, {
      subject: subject.slice(0, 200),
    });
  }
  return { site, family, source };
}

/** A rule id as one subject token: what is not a letter, digit, dash or underscore becomes a dash. */
export function subjectToken(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 128) || '-';
}

/** `protego.v1.<site>.detection.<severity>.<ruleId>`. */
export function detectionSubject(site: string, severity: Severity, ruleId: string): string {
  return `${SUBJECT_ROOT}.${site}.detection.${severity}.${subjectToken(ruleId)}`;
}

/** `protego.v1.<site>.late.<source>`: an event that came after its watermark. */
export function lateSubject(site: string, source: string): string {
  return `${SUBJECT_ROOT}.${site}.late.${subjectToken(source)}`;
}

/** `protego.v1.<site>.skewed.<source>`: an event whose time lies in the future of the pipeline's clock. */
export function skewedSubject(site: string, source: string): string {
  return `${SUBJECT_ROOT}.${site}.skewed.${subjectToken(source)}`;
}

/** `protego.v1.<site>.rule-failed.<ruleId>`: a rule threw on one event. */
export function ruleFailedSubject(site: string, ruleId: string): string {
  return `${SUBJECT_ROOT}.${site}.rule-failed.${subjectToken(ruleId)}`;
}

/** `protego.v1.<site>.rejected.<source>`: input that could not become an event, with the reason. */
export function rejectedSubject(site: string, source: string): string {
  return `${SUBJECT_ROOT}.${site}.rejected.${subjectToken(source)}`;
}

/**
 * Headers of a message in the dead-letter stream; its payload is the refused message, byte for byte, sealed with the keys of
 * the house: it may hold what a person can ask to be forgotten.
 */
export const REJECTION_HEADERS = {
  /** Stable error code. */
  code: 'Protego-Code',
  /** JSON of message, help and details, sealed like the payload, in base64: it may quote the message. */
  reason: 'Protego-Reason',
  /** Subject that the message came on. */
  subject: 'Protego-Subject',
  /** Length of the refused message, bytes. */
  bytes: 'Protego-Bytes',
  /** `1`: payload and reason are sealed. */
  sealed: 'Protego-Sealed',
} as const;

/** `protego.v1.<site>.checkpoint`: signed checkpoints of the log (C2SP tlog-checkpoint), as text. */
export function checkpointSubject(site: string): string {
  return `${SUBJECT_ROOT}.${site}.checkpoint`;
}

/** `protego.v1.<site>.cmd.<name>`: requests to the engine that holds the log. */
export function commandSubject(site: string, name: string): string {
  return `${SUBJECT_ROOT}.${site}.cmd.${subjectToken(name)}`;
}

/** Root of all subjects that replays publish on; no live subject begins with it. */
export const REPLAY_SUBJECT_ROOT = 'protego-replay.v1';

declare const replayed: unique symbol;
/** A subject of a replay. A live subject is none: whoever takes this type cannot be made to publish as the engine does. */
export type ReplaySubject = string & { readonly [replayed]: true };

/** `protego-replay.v1.<site>.<run>.detection.<severity>.<ruleId>`. */
export function replayDetectionSubject(site: string, run: string, severity: Severity, ruleId: string): ReplaySubject {
  return replaySubject(site, run, `detection.${severity}.${subjectToken(ruleId)}`);
}

/** `protego-replay.v1.<site>.<run>.ended`: all that was found is published. */
export function replayEndedSubject(site: string, run: string): ReplaySubject {
  return replaySubject(site, run, 'ended');
}

function replaySubject(site: string, run: string, rest: string): ReplaySubject {
  return `${REPLAY_SUBJECT_ROOT}.${subjectToken(site)}.${subjectToken(run)}.${rest}` as ReplaySubject;
}
