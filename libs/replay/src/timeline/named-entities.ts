import type { DetectionEntity, EventData } from '@protego/contracts';
import { Fields } from './words/fields';
import type { NamedEntity, TimelineFocus } from './timeline-shape';

/** Which fields name whom or what. Names are those of detections where these have one. */
const NAMING: readonly (readonly [kind: string, field: string])[] = [
  ['device', 'device.uid'],
  ['endpoint', 'src_endpoint.hostname'],
  ['endpoint', 'dst_endpoint.hostname'],
  ['person', 'user.uid'],
  ['person', 'actor.user.uid'],
  ['patient', 'patient.uid'],
  ['patient', 'resident.patient_uid'],
  ['session', 'session.uid'],
  ['partner', 'partner.uid'],
  ['access-point', 'access_point.bssid'],
  ['address', 'src_endpoint.ip'],
  ['address', 'dst_endpoint.ip'],
  ['address', 'ip'],
  ['host', 'Computer'],
  ['host', 'Hostname'],
  ['person', 'User'],
  ['person', 'SubjectUserName'],
  ['person', 'TargetUserName'],
  ['address', 'id.orig_h'],
  ['address', 'id.resp_h'],
  ['ward', 'device.ward'],
  ['ward', 'patient.ward'],
  ['ward', 'user.ward'],
  ['ward', 'actor.user.ward'],
  ['ward', 'from_ward'],
  ['ward', 'ward'],
];

/** Kinds of entities that events name; a rule may name others in its detections. */
export const NAMED_KINDS: readonly string[] = [
  ...new Set(['host', ...NAMING.map(([kind]) => kind).filter((kind) => kind !== 'endpoint')]),
].sort();

/** Longest id of an entity, characters. */
const ID_LENGTH_MAX = 255;

/** Entities that an event names as it is stored, each once. A device's own address is not told beside the device. */
export function namedEntities(data: EventData): NamedEntity[] {
  const fields = new Fields(data);
  const found = new Map<string, NamedEntity>();
  for (const [naming, field] of NAMING) {
    const id = fields.name(field);
    if (id === undefined || id === '-' || id.length > ID_LENGTH_MAX) continue;
    // Hosts elsewhere have names with a domain; devices of the house go by one word.
    const kind = naming !== 'endpoint' ? naming : id.includes('.') ? 'host' : 'device';
    if (kind === 'address' && isOfNamedDevice(fields, field, id)) continue;
    found.set(`${kind}\n${id}`, { kind, id });
  }
  return [...found.values()];
}

function isOfNamedDevice(fields: Fields, field: string, address: string): boolean {
  if (address === fields.name('device.ip')) return true;
  const host = field.endsWith('_endpoint.ip') ? fields.name(field.replace(/ip$/, 'hostname')) : undefined;
  return host !== undefined && !host.includes('.');
}

/** Whether an entity is the one that a timeline is about. */
export function isFocus(focus: TimelineFocus, { kind, id }: DetectionEntity): boolean {
  return kind === focus.kind && (id === focus.id || focus.names.includes(id));
}
