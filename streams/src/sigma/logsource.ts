import { familyOf } from '@protego/contracts';
import { Evaluator } from './evaluator';
import type { SigmaPredicate } from './expression';
import type { FixedAnswer } from './plan/fold';
import { channelOf, eventIdOf, type SigmaRecord } from './record';
import type { SigmaLogsource } from './rule';
import { CATEGORIES_OF_SYSMON, CATEGORIES_OF_OTHERS, SERVICES_OF_CHANNEL, SYSMON_CHANNEL } from './windows-channels';

/** One kind of log that a record belongs to. */
export interface LogOrigin {
  readonly product: string;
  readonly services: readonly string[];
  readonly categories: readonly string[];
}

/** Event types that carry a record with its native field names. */
const HOST_RECORD_TYPE = 'device.host-event-recorded';
const NETWORK_RECORD_TYPE = 'device.network-log-recorded';

/** The parts of a record that decide where it belongs; equal parts always belong to the same logs. */
export interface RouteParts {
  readonly type: string | null;
  /** Lower case; empty where the record is no Windows record. */
  readonly channel: string;
  readonly eventId: string;
  /** Zeek's `_path`; empty elsewhere. */
  readonly zeekPath: string;
  readonly isCloudTrail: boolean;
}

/** Reads what decides where a record belongs. */
export function routePartsOf({ type, data }: SigmaRecord): RouteParts {
  const isHostRecord = type === null || type === HOST_RECORD_TYPE;
  const isNetworkRecord = type === null || type === NETWORK_RECORD_TYPE;
  const zeekPath = isNetworkRecord ? data['_path'] : undefined;
  return {
    type,
    channel: isHostRecord ? channelOf(data) : '',
    eventId: isHostRecord ? eventIdOf(data) : '',
    zeekPath: typeof zeekPath === 'string' ? zeekPath.toLowerCase() : '',
    isCloudTrail: isHostRecord && typeof data['eventSource'] === 'string' && typeof data['eventVersion'] === 'string',
  };
}

/**
 * Names the {@link routePartsOf} of a record. It is the type alone where the type says that no native record is inside:
 * most events of a hospital are such, and neither look inside nor text put together is needed for them.
 */
export function routeKeyOf(record: SigmaRecord): string {
  const { type } = record;
  if (type !== null && type !== HOST_RECORD_TYPE && type !== NETWORK_RECORD_TYPE) return type;
  const { channel, eventId, zeekPath, isCloudTrail } = routePartsOf(record);
  return `${type ?? ''}\n${channel}\n${eventId}\n${zeekPath}\n${isCloudTrail ? 1 : 0}`;
}

/** The logs that a record belongs to; none for a bare record that no table knows. */
export function originsOf(parts: RouteParts): LogOrigin[] {
  const origins: LogOrigin[] = [];
  if (parts.type !== null) {
    origins.push({ product: 'protego', services: [familyOf(parts.type)], categories: [parts.type] });
  }
  if (parts.channel !== '') origins.push(windowsOrigin(parts.channel, parts.eventId));
  if (parts.zeekPath !== '') origins.push({ product: 'zeek', services: [parts.zeekPath], categories: [] });
  if (parts.isCloudTrail) origins.push({ product: 'aws', services: ['cloudtrail'], categories: [] });
  return origins;
}

function windowsOrigin(channel: string, eventId: string): LogOrigin {
  const byEventId = channel === SYSMON_CHANNEL ? CATEGORIES_OF_SYSMON : CATEGORIES_OF_OTHERS.get(channel);
  return {
    product: 'windows',
    services: SERVICES_OF_CHANNEL.get(channel) ?? [],
    categories: byEventId?.get(eventId) ?? byEventId?.get('*') ?? [],
  };
}

/**
 * True when a rule's log source names this origin. Every part that the rule gives must agree; a rule that gives none
 * agrees with nothing, because nothing says which records it was written for.
 */
export function isFromLogsource(logsource: SigmaLogsource, origin: LogOrigin): boolean {
  const { product, service, category } = logsource;
  if (product === undefined && service === undefined && category === undefined) return false;
  return (
    (product === undefined || product === origin.product) &&
    (service === undefined || origin.services.includes(service)) &&
    (category === undefined || origin.categories.includes(category))
  );
}

const FIXED_KINDS: ReadonlySet<SigmaPredicate['kind']> = new Set(['text', 'number', 'null', 'exists']);

/**
 * The answers that are the same for all records with these parts: those about channel and event id, as far as upper and lower case
 * are no matter in them.
 */
export function fixedAnswers({ channel, eventId }: RouteParts): FixedAnswer {
  const data: Record<string, string> = {};
  if (channel !== '') data['Channel'] = channel;
  if (/^\d+$/.test(eventId)) data['EventID'] = eventId;
  const evaluator = new Evaluator();
  evaluator.load({ type: null, data });
  return (predicate) => {
    const { field, kind } = predicate;
    if (field === null || !Object.hasOwn(data, field) || !FIXED_KINDS.has(kind)) return undefined;
    if (kind === 'text' && predicate.isCased) return undefined;
    if (kind === 'number' && field === 'Channel') return undefined;
    return evaluator.compile(predicate)();
  };
}
