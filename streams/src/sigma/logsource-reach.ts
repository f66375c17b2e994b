import { allOf, anyOf, type SigmaExpression } from './expression';
import { isFromLogsource, originsOf, type RouteParts } from './logsource';
import type { SigmaLogsource } from './rule';
import { CATEGORIES_OF_OTHERS, CATEGORIES_OF_SYSMON, SERVICES_OF_CHANNEL, SYSMON_CHANNEL } from './windows-channels';

/** What is known of the records that a log source lets through to a rule. */
export interface LogReach {
  /** True when some event type, or some kind of native record, belongs to the log. */
  readonly isFed: boolean;
  /** What every record of the log satisfies; undefined where nothing is known. */
  readonly certain?: SigmaExpression;
  /** Fields that hold one value, never a list, in every record of the log. */
  readonly singleFields: ReadonlySet<string>;
}

const NO_PARTS: RouteParts = { type: null, channel: '', eventId: '', zeekPath: '', isCloudTrail: false };
/** Stands for a channel, and for an event id, that no table names. */
const OTHER = '\0';
const NONE: ReadonlySet<string> = new Set();

/**
 * Which records can reach a rule with this log source, by the same tables that route them.
 *
 * @param eventTypes - all event types of Protego
 */
export function logReachOf(logsource: SigmaLogsource, eventTypes: readonly string[]): LogReach {
  const takes = (parts: Partial<RouteParts>): boolean =>
    originsOf({ ...NO_PARTS, ...parts }).some((origin) => isFromLogsource(logsource, origin));
  const isFedElsewhere =
    eventTypes.some((type) => takes({ type })) ||
    takes({ isCloudTrail: true }) ||
    // Zeek's service is whatever its record says.
    takes({ zeekPath: logsource.service ?? OTHER });
  const channels = windowsChannels().flatMap((channel) => channelReach(channel, takes) ?? []);
  const isFed = isFedElsewhere || channels.length > 0;
  if (isFedElsewhere || channels.length === 0 || channels.some(({ name }) => name === OTHER))
    return { isFed, singleFields: NONE };
  // `Channel`, and `EventID` where the category hangs on it, are read as single values when a record is routed.
  const isIdKnown = channels.every(({ eventIds }) => eventIds !== undefined);
  return {
    isFed,
    certain: anyOf(channels.map(expressionOf)),
    singleFields: new Set(isIdKnown ? ['Channel', 'EventID'] : ['Channel']),
  };
}

interface ChannelReach {
  readonly name: string;
  /** Event ids that are let through; undefined: also ids that no table names. */
  readonly eventIds?: readonly string[];
}

function windowsChannels(): string[] {
  return [...new Set([...SERVICES_OF_CHANNEL.keys(), ...CATEGORIES_OF_OTHERS.keys(), SYSMON_CHANNEL, OTHER])];
}

function channelReach(name: string, takes: (parts: Partial<RouteParts>) => boolean): ChannelReach | undefined {
  if (takes({ channel: name, eventId: OTHER })) return { name };
  const table = name === SYSMON_CHANNEL ? CATEGORIES_OF_SYSMON : CATEGORIES_OF_OTHERS.get(name);
  const eventIds = [...(table?.keys() ?? [])].filter((eventId) => takes({ channel: name, eventId }));
  return eventIds.length === 0 ? undefined : { name, eventIds };
}

function expressionOf({ name, eventIds }: ChannelReach): SigmaExpression {
  const channel: SigmaExpression = { kind: 'text', field: 'Channel', patterns: [[name]], isCased: false };
  if (eventIds === undefined) return channel;
  const ids = eventIds.map((text): SigmaExpression => ({
    kind: 'number',
    field: 'EventID',
    value: Number(text),
    text,
  }));
  return allOf([channel, anyOf(ids)]);
}
