/** What a rule sees of one event. */
export interface SigmaRecord {
  /** Protego event type; null for a bare record that has no envelope. */
  readonly type: string | null;
  /** The record with its native field names. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Attributes of the envelope, reached as `event.<attribute>`. */
  readonly envelope?: Readonly<Record<string, unknown>>;
}

/**
 * Value of a field; undefined when it is missing. The name is tried as a literal key first (Zeek writes `id.orig_h`),
 * then as a path of own properties (`user.uid`; a list on the way yields the values of all its members), then under the
 * other names that the same Windows field has, and at last as `event.<attribute>` in the envelope.
 */
export function fieldValue(record: SigmaRecord, field: string): unknown {
  return readField(record, preparedAccess(field));
}

/** Most names that are kept prepared; field names come from rules, of which there are few thousand. */
const PREPARED_MAX = 8_192;
const prepared = new Map<string, FieldAccess>();

function preparedAccess(field: string): FieldAccess {
  const known = prepared.get(field);
  if (known !== undefined) return known;
  if (prepared.size >= PREPARED_MAX) prepared.clear();
  const access = fieldAccess(field);
  prepared.set(field, access);
  return access;
}

/** A field name, prepared for {@link readField}. */
export interface FieldAccess {
  readonly field: string;
  /** True for a name that every object inherits something under, so that one must ask whether a value is its own. */
  readonly isInherited: boolean;
  /** Steps of the dotted path; undefined for a name without dots. */
  readonly steps: readonly string[] | undefined;
  readonly aliases: readonly FieldAlias[];
  /** Attribute of the envelope; undefined where the name does not begin with `event.`. */
  readonly attribute: string | undefined;
}

/** Another name of the same field, where Windows writes it differently. */
export interface FieldAlias {
  readonly field: string;
  /** Only in this channel, lower case. */
  readonly channel?: string;
  /** Only for this event id. */
  readonly eventId?: string;
}

const DEFENDER_CHANNEL = 'microsoft-windows-windows defender/operational';
const ENVELOPE_PREFIX = 'event.';

const newProcess = { channel: 'security', eventId: '4688' };
/** Public rules use the names on the left; collectors and the security log write those on the right. */
const ALIASES: ReadonlyMap<string, readonly FieldAlias[]> = new Map([
  ['Provider_Name', [{ field: 'SourceName' }, { field: 'ProviderName' }]],
  ['SourceName', [{ field: 'Provider_Name' }, { field: 'ProviderName' }]],
  ['Computer', [{ field: 'Hostname' }, { field: 'ComputerName' }]],
  ['Hostname', [{ field: 'Computer' }, { field: 'ComputerName' }]],
  ['Image', [{ field: 'NewProcessName', ...newProcess }]],
  ['ParentImage', [{ field: 'ParentProcessName', ...newProcess }]],
  ['User', [{ field: 'SubjectUserName', ...newProcess }]],
  ['IntegrityLevel', [{ field: 'MandatoryLabel', ...newProcess }]],
  ['LogonId', [{ field: 'SubjectLogonId', ...newProcess }]],
]);

/** Prepares a field name. */
export function fieldAccess(field: string): FieldAccess {
  const attribute = field.startsWith(ENVELOPE_PREFIX) ? field.slice(ENVELOPE_PREFIX.length) : undefined;
  const steps = field.includes('.') ? field.split('.') : undefined;
  const isInherited = field in Object.prototype;
  return { field, isInherited, steps, aliases: [...defenderAlias(field), ...(ALIASES.get(field) ?? [])], attribute };
}

/** Windows Defender writes `Threat Name` where rules say `ThreatName`. */
function defenderAlias(field: string): FieldAlias[] {
  const spaced = field.replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return spaced === field ? [] : [{ field: spaced, channel: DEFENDER_CHANNEL }];
}

/** Value of a prepared field; undefined when it is missing. */
export function readField(record: SigmaRecord, access: FieldAccess): unknown {
  const { data, envelope } = record;
  const direct = access.isInherited ? ownValue(data, access.field) : data[access.field];
  if (direct !== undefined) return direct;
  if (access.steps !== undefined) {
    const value = valueAt(data, access.steps, 0);
    if (value !== undefined) return value;
  }
  for (const alias of access.aliases) {
    if (isAliasOf(alias, data)) return data[alias.field];
  }
  const { attribute } = access;
  return attribute !== undefined && envelope !== undefined ? ownValue(envelope, attribute) : undefined;
}

/**
 * Path from the event's top to what {@link fieldValue} finds, such as `['data', 'user', 'uid']`; lists on the way are no
 * steps. Undefined for a missing field.
 */
export function fieldPlaceOf(record: SigmaRecord, field: string): readonly string[] | undefined {
  const { data, envelope } = record;
  const { steps, aliases, attribute } = fieldAccess(field);
  if (Object.hasOwn(data, field)) return ['data', field];
  if (steps !== undefined && valueAt(data, steps, 0) !== undefined) return ['data', ...steps];
  const alias = aliases.find((each) => isAliasOf(each, data));
  if (alias !== undefined) return ['data', alias.field];
  return attribute !== undefined && envelope !== undefined && Object.hasOwn(envelope, attribute)
    ? [attribute]
    : undefined;
}

function isAliasOf({ field, channel, eventId }: FieldAlias, data: SigmaRecord['data']): boolean {
  // No object inherits anything under these names.
  if (data[field] === undefined || data['Channel'] === undefined) return false;
  if (channel !== undefined && channelOf(data) !== channel) return false;
  return eventId === undefined || eventIdOf(data) === eventId;
}

/** Channel of a Windows record in lower case; empty for other records. */
export function channelOf(data: SigmaRecord['data']): string {
  const channel = data['Channel'];
  return typeof channel === 'string' ? channel.toLowerCase() : '';
}

/** Event id of a Windows record as text; empty for other records. */
export function eventIdOf(data: SigmaRecord['data']): string {
  const eventId = data['EventID'];
  return typeof eventId === 'number' || typeof eventId === 'string' ? String(eventId) : '';
}

/** A member of an object itself, never one that every object inherits; undefined when it is missing. */
export function ownValue(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Most members of lists that one path may yield. */
const PATH_VALUES_MAX = 1000;

function valueAt(value: unknown, steps: readonly string[], at: number): unknown {
  let current = value;
  for (let step = at; step < steps.length; step++) {
    if (Array.isArray(current)) return valuesOfMembers(current, steps, step);
    if (current === null || typeof current !== 'object') return undefined;
    current = ownValue(current as Record<string, unknown>, steps[step] as string);
  }
  return current;
}

/** Values of a field in the members of a list. Where none holds one, null tells that some hold the field nevertheless. */
function valuesOfMembers(
  members: readonly unknown[],
  steps: readonly string[],
  at: number,
): readonly unknown[] | null | undefined {
  const values: unknown[] = [];
  let isThere = false;
  let isNull = false;
  for (const member of members.slice(0, PATH_VALUES_MAX)) {
    const value = valueAt(member, steps, at);
    isThere ||= value !== undefined;
    isNull ||= value === null;
    if (Array.isArray(value)) for (const each of value) values.push(each);
    else if (value !== undefined && value !== null) values.push(value);
  }
  if (values.length > 0) return values.slice(0, PATH_VALUES_MAX);
  return isNull ? null : isThere ? values : undefined;
}
