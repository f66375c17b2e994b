import { randomUUID } from 'node:crypto';
import {
  MUTE_MS_MAX,
  ProtegoError,
  formatRfc3339,
  isPersonToken,
  type Detection,
  type DetectionMute,
  type DetectionUnmute,
  type EventSeq,
  type MutedEntity,
  type ProtegoEvent,
} from '@protego/contracts';
import { NameSearch } from '@protego/enclave';
import type { LogAuthority } from '../evidence/log-authority';
import type { LogRecord } from '../log-record';
import type { EventLogReader } from '../reader/reader';
import { actorTokenOf, isMachineKind, mutedEntityOf, type EntityVault } from './muted-entity';

/** Most detections that are looked through for one, the newest first. */
export const DETECTIONS_SEARCHED_MAX = 100_000;

const REASON_CHARACTERS_MAX = 1_000;
/** Records after which others have their turn. */
const SEARCH_STEP_RECORDS = 256;

/** What a mute is made with. */
export interface MuteParts {
  readonly reader: Pick<EventLogReader, 'query'>;
  readonly vault: EntityVault;
  readonly authority: Pick<LogAuthority, 'append'>;
  /** Pipeline time, milliseconds; asked in the moment in which the event is written. */
  readonly now: () => number;
  /** How far ahead of pipeline time an event may claim to be, milliseconds: a mute counts from that long after it. */
  readonly skewMaxMs: number;
}

/** What is to be muted or acknowledged, until when, and why. */
export interface MuteRequest {
  readonly rule?: string;
  /** A person by identity, name or token. */
  readonly entity?: MutedEntity;
  /** Id of a detection: its rule, and the entity that it names first, where they are not given. */
  readonly detection?: string;
  /** Either this, milliseconds since the Unix epoch, … */
  readonly expiresAtMs?: number;
  /** … or this, milliseconds from now. */
  readonly forMs?: number;
  /** Why. It stands in the log in clear: it must not name anybody. */
  readonly reason: string;
  /** Whoever asks, by identity, name or token. */
  readonly actor?: string;
}

/** Which mute or acknowledgement is to end, and why. */
export interface UnmuteRequest {
  /** Id of the event that began it. */
  readonly mute: string;
  /** Why. It stands in the log in clear: it must not name anybody. */
  readonly reason: string;
  /** Whoever asks, by identity, name or token. */
  readonly actor?: string;
}

/** The event that was written. */
export interface MuteReceipt {
  readonly seq: EventSeq;
  /** Id of the event; `detection unmute` takes it. */
  readonly id: string;
  /** Event time from which it counts, RFC 3339. */
  readonly countsFrom: string;
  /** Payload of the event. */
  readonly data: DetectionMute | DetectionUnmute;
}

/**
 * Mutes or acknowledges the detections of a rule, about an entity, or of a rule about an entity, by an event.
 *
 * @throws ProtegoError `USAGE_INVALID` when nothing is chosen, the expiry is no time in the year ahead, or the reason is empty
 *   or names who is asked for; `DETECTION_UNKNOWN`, `PERSON_UNKNOWN`, `PERSON_AMBIGUOUS`
 */
export async function muteDetections(
  kind: 'mute' | 'acknowledge',
  request: MuteRequest,
  parts: MuteParts,
): Promise<MuteReceipt> {
  const { reason, actor, entity } = request;
  const chosen = await chosenBy(request, parts);
  if (chosen.rule === undefined && chosen.entity === undefined) throw refused('name a rule, an entity or a detection');
  requireDecentReason(reason, [actor, ...(entity === undefined || isMachineKind(entity.kind) ? [] : [entity.id])]);
  const by = actor === undefined ? {} : { actor: await actorTokenOf(actor, parts.vault) };
  const about = request.detection === undefined ? {} : { detection: request.detection };
  const type = kind === 'mute' ? 'detection.muted' : 'detection.acknowledged';
  return append(type, parts, (nowMs) => {
    const expiresAt = formatRfc3339(expiryOf(request, nowMs, parts.skewMaxMs));
    return { ...chosen, ...about, expiresAt, reason, ...by };
  });
}

/**
 * Ends a mute or an acknowledgement early, by an event.
 *
 * @throws ProtegoError `MUTE_UNKNOWN` when no such event is in the log; `USAGE_INVALID` as {@link muteDetections}
 */
export async function unmuteDetections(request: UnmuteRequest, parts: MuteParts): Promise<MuteReceipt> {
  const { mute, reason, actor } = request;
  requireDecentReason(reason, [actor]);
  if (!isKnownMute(mute, parts.reader))
    throw new ProtegoError('MUTE_UNKNOWN', `no mute or acknowledgement has the id \`${mute}\``, { mute });
  const by = actor === undefined ? {} : { actor: await actorTokenOf(actor, parts.vault) };
  return append('detection.unmuted', parts, () => ({ mute, reason, ...by }));
}

/** The detection of an id among the newest {@link DETECTIONS_SEARCHED_MAX}; others have their turn in between. */
export async function findDetection(id: string, reader: Pick<EventLogReader, 'query'>): Promise<Detection | undefined> {
  let searched = 0;
  for (const record of reader.query({ types: ['detection.raised'], direction: 'backwards' })) {
    const event = eventOf(record);
    if (event.id === id) return event.data as unknown as Detection;
    if (++searched === DETECTIONS_SEARCHED_MAX) return undefined;
    if (searched % SEARCH_STEP_RECORDS === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}

async function chosenBy(
  { rule, entity, detection }: MuteRequest,
  { reader, vault }: MuteParts,
): Promise<Pick<DetectionMute, 'rule' | 'entity'>> {
  const found = detection === undefined ? undefined : await findDetection(detection, reader);
  if (detection !== undefined && found === undefined)
    throw new ProtegoError('DETECTION_UNKNOWN', `no detection has the id \`${detection}\``, { detection });
  const ruleId = rule ?? found?.ruleId;
  const about = entity ?? found?.entities[0];
  return {
    ...(ruleId === undefined ? {} : { rule: ruleId }),
    ...(about === undefined ? {} : { entity: await mutedEntityOf(about, vault) }),
  };
}

/** When it is to end, milliseconds. */
function expiryOf({ expiresAtMs, forMs }: MuteRequest, nowMs: number, skewMaxMs: number): number {
  if ((expiresAtMs === undefined) === (forMs === undefined)) throw refused('say either until when or for how long');
  const endMs = expiresAtMs ?? nowMs + (forMs as number);
  const [first, last] = [nowMs + skewMaxMs + 1, nowMs + MUTE_MS_MAX];
  if (endMs > first && endMs <= last) return endMs;
  const now = formatRfc3339(nowMs);
  const message = `it must end after ${formatRfc3339(first)}, when it begins to count, and by ${formatRfc3339(last)}: the log's clock says ${now}`;
  throw refused(message);
}

/**
 * Checks what is to stand in the log in clear.
 *
 * @param names who must not be named in it; tokens are let pass
 * @throws ProtegoError `USAGE_INVALID`
 */
export function requireDecentReason(reason: string, names: readonly (string | undefined)[]): void {
  if (reason.trim() === '' || reason.length > REASON_CHARACTERS_MAX || !reason.isWellFormed())
    throw refused(`a reason of 1 to ${REASON_CHARACTERS_MAX} characters is needed`);
  const clear = names.filter((name) => name !== undefined).filter((name) => !isPersonToken(name));
  if (clear.length > 0 && new NameSearch(clear).isIn(reason))
    throw refused('the reason names whom it is about, or who asks: it stays in the log in clear');
}

function isKnownMute(id: string, reader: MuteParts['reader']): boolean {
  const types = ['detection.muted', 'detection.acknowledged'];
  for (const record of reader.query({ types, direction: 'backwards' })) if (eventOf(record).id === id) return true;
  return false;
}

async function append(
  type: 'detection.muted' | 'detection.acknowledged' | 'detection.unmuted',
  { authority, now, skewMaxMs }: MuteParts,
  dataAt: (nowMs: number) => MuteReceipt['data'],
): Promise<MuteReceipt> {
  const nowMs = now();
  const data = dataAt(nowMs);
  const id = `${type.slice('detection.'.length)}-${randomUUID()}`;
  const seq = await authority.append(type, id, { ...data }, nowMs);
  return { seq, id, countsFrom: formatRfc3339(nowMs + skewMaxMs + 1), data };
}

function eventOf({ body }: LogRecord): ProtegoEvent {
  return JSON.parse(body.toString('utf8')) as ProtegoEvent;
}

function refused(message: string): ProtegoError {
  return new ProtegoError('USAGE_INVALID', message);
}
