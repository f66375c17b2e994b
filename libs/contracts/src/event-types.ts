import { DETECTION_SCHEMA } from './detection';
import { EventRegistry, type EventTypeVersion, type JsonSchema } from './event-registry';

const string: JsonSchema = { type: 'string', minLength: 1, maxLength: 4096 };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const flag: JsonSchema = { type: 'boolean' };
const port: JsonSchema = { type: 'integer', minimum: 0, maximum: 65_535 };

/** An object of named fields; others are allowed and are free text to the rest of the house. */
function object(properties: Record<string, JsonSchema>, required: readonly string[] = []): JsonSchema {
  return required.length === 0 ? { type: 'object', properties } : { type: 'object', properties, required };
}

// Names follow OCSF 1.x where it has one: user, actor, device, src_endpoint, dst_endpoint, traffic, file, process.
const user = object({ uid: string, name: string, role: string, ward: string }, ['uid']);
const actor = object({ user }, ['user']);
const device = object({ uid: string, name: string, type: string, ward: string, ip: string, mac: string }, ['uid']);
const endpoint = object({ ip: string, port, hostname: string, zone: string });
const patient = object({ uid: string, ward: string }, ['uid']);
const service = object({ name: string }, ['name']);
const traffic = object({ bytes_in: count, bytes_out: count, packets_in: count, packets_out: count });
const file = object({ path: string, name: string, size: count, entropy: { type: 'number', minimum: 0, maximum: 8 } });
const partner = object({ uid: string, name: string }, ['uid']);

const recordAccess = object(
  { actor, device, patient, service, purpose: string, care_relationship: flag, record_type: string },
  ['actor', 'patient'],
);
const exchange = object(
  { partner, patient, actor, agreement: string, purpose: string, bytes_out: count, reason: string },
  ['partner'],
);

function version1(type: string, description: string, dataSchema: JsonSchema): EventTypeVersion {
  return { type, version: 1, description, dataSchema };
}

const DEVICE_TYPES = [
  version1('device.joined', 'A device joined the network.', object({ device, network: string }, ['device'])),
  version1('device.left', 'A device left the network.', object({ device, network: string }, ['device'])),
  version1(
    'device.network-flow-observed',
    'A connection between two endpoints, summed up.',
    object(
      {
        device,
        src_endpoint: endpoint,
        dst_endpoint: endpoint,
        protocol: string,
        application: string,
        traffic,
        duration_ms: count,
      },
      ['src_endpoint', 'dst_endpoint'],
    ),
  ),
  version1('device.network-log-recorded', "A network monitor's record, with its native field names.", object({})),
  version1(
    'device.telemetry-reported',
    'A device reported its state.',
    object({ device, status: string, battery_percent: { type: 'number' } }, ['device']),
  ),
  version1(
    'device.firmware-changed',
    "A device's firmware changed.",
    object({ device, version: string, previous_version: string, signed: flag, actor }, ['device', 'version']),
  ),
  version1(
    'device.config-changed',
    "A device's configuration changed.",
    object({ device, setting: string, actor }, ['device', 'setting']),
  ),
  version1(
    'device.process-started',
    'A process started on a host.',
    object({ device, process: object({ name: string, cmd_line: { type: 'string' } }), actor }, ['device']),
  ),
  version1(
    'device.file-changed',
    'A file on a host or share was created, changed, renamed or deleted.',
    object({ device, file, activity: string, actor }, ['device', 'file']),
  ),
  version1('device.host-event-recorded', "A host's own log record, with its native field names.", object({})),
];

const ACCESS_TYPES = [
  version1(
    'access.signed-in',
    'A person signed in.',
    object({ user, device, src_endpoint: endpoint, service, mfa: flag }, ['user']),
  ),
  version1(
    'access.sign-in-failed',
    'A sign-in was refused.',
    object({ user, device, src_endpoint: endpoint, service, status_detail: string }, ['user']),
  ),
  version1('access.session-ended', 'A session ended.', object({ user, device, service, reason: string }, ['user'])),
  version1('access.record-read', "A patient's record was read.", recordAccess),
  version1('access.record-changed', "A patient's record was changed.", recordAccess),
  version1('access.record-exported', "A patient's record was exported.", recordAccess),
  version1(
    'access.break-glass-used',
    'Emergency access was used.',
    object({ actor, device, patient, reason: string }, ['actor', 'patient']),
  ),
  version1(
    'access.privilege-changed',
    "An account's privileges changed.",
    object({ user, actor, privilege: string, activity: string }, ['user']),
  ),
];

const EXCHANGE_TYPES = [
  version1('exchange.requested', 'A partner asked for data.', exchange),
  version1('exchange.released', 'Data was released to a partner.', exchange),
  version1('exchange.refused', 'A request for data was refused.', exchange),
  version1('exchange.received', 'Data was received from a partner.', exchange),
];

const KNOWLEDGE_TYPES = [
  version1('roster.person-assigned', 'A person was assigned to a ward or role.', object({ user }, ['user'])),
  version1('roster.device-assigned', 'A device was assigned to a ward.', object({ device }, ['device'])),
  version1(
    'care.relationship-started',
    'A person began to care for a patient.',
    object({ user, patient }, ['user', 'patient']),
  ),
  version1(
    'care.relationship-ended',
    'A person ceased to care for a patient.',
    object({ user, patient }, ['user', 'patient']),
  ),
  version1(
    'watchlist.entry-added',
    'An entity was put on a watch list.',
    object({ list: string, value: string, reason: string }, ['list', 'value']),
  ),
  version1(
    'watchlist.entry-removed',
    'An entity was taken off a watch list.',
    object({ list: string, value: string, reason: string }, ['list', 'value']),
  ),
];

const TIMING = object({ seq: count, source: string, id: string, time: string, arrivedAt: string, watermark: string }, [
  'seq',
  'source',
  'id',
  'time',
  'arrivedAt',
]);

const OUTPUT_TYPES = [
  version1('detection.raised', 'A rule or detector found something.', DETECTION_SCHEMA),
  version1('pipeline.event-came-late', 'An event came after the watermark had passed its time.', TIMING),
  version1('pipeline.event-skewed', "An event claims a time in the future of the pipeline's clock.", TIMING),
  version1(
    'pipeline.rule-failed',
    'A rule threw on one event; the stream went on.',
    object({ ruleId: string, seq: count, source: string, id: string, message: { type: 'string' } }, [
      'ruleId',
      'seq',
      'message',
    ]),
  ),
  version1('clock.ticked', 'Time passed without an event.', object({})),
  version1(
    'artefact.activated',
    'Rules and declarations came into force: what is found from here on is found with them.',
    object({ name: string, hashes: { type: 'object', additionalProperties: string } }, ['name', 'hashes']),
  ),
  version1(
    'log.session-opened',
    'An import began: its events have sources and a watermark of their own.',
    object({ session: string, kind: { const: 'import' }, files: { type: 'array' } }, ['session', 'kind']),
  ),
  version1(
    'log.exported',
    'Records left the log in an evidence bundle.',
    object(
      { bundle: string, receiver: string, purpose: string, fromSeq: count, toSeq: count, records: count, keys: count },
      ['bundle', 'fromSeq', 'toSeq', 'records'],
    ),
  ),
  version1(
    'log.erased',
    'The keys of a person were destroyed: what was sealed under them cannot be read any more.',
    object(
      {
        person: string,
        keyIds: { type: 'array', items: string },
        aliases: { type: 'array', items: string },
        reason: string,
      },
      ['person', 'keyIds', 'reason'],
    ),
  ),
  version1(
    'log.expired',
    'Whole segments outlived the retention period and were deleted; their hashes stay.',
    object({ fromSeq: count, toSeq: count, rootHash: string, reason: string }, [
      'fromSeq',
      'toSeq',
      'rootHash',
      'reason',
    ]),
  ),
  version1(
    'log.revealed',
    'Sealed fields were shown in clear to somebody who asked for them. With `file`: records that an import refused, from that file; the range is empty then.',
    object({ fromSeq: count, toSeq: count, records: count, file: string, reason: string }, [
      'fromSeq',
      'toSeq',
      'records',
      'reason',
    ]),
  ),
  version1(
    'log.key-rotated',
    'The log was given a new data key: later blocks are encrypted under it, older ones stay as they are.',
    object({ dataKeyId: count }, ['dataKeyId']),
  ),
  version1(
    'log.session-closed',
    'An import ended: its windows are decided and the live session goes on.',
    object({ session: string, reason: { enum: ['completed', 'abandoned'] } }, ['session', 'reason']),
  ),
];

/** Families that a declared source may publish, given that its declaration allows them. */
export const INPUT_FAMILIES = ['device', 'access', 'exchange'] as const;
/** Knowledge families: only from sources declared authoritative for them. */
export const KNOWLEDGE_FAMILIES = ['roster', 'care', 'watchlist'] as const;
/** Family of clock ticks: only from the source that is declared to carry the clock. */
export const CLOCK_FAMILY = 'clock';

/** Every event type that this version of Protego reads and writes. */
export const eventRegistry = new EventRegistry([
  ...DEVICE_TYPES,
  ...ACCESS_TYPES,
  ...EXCHANGE_TYPES,
  ...KNOWLEDGE_TYPES,
  ...OUTPUT_TYPES,
]);
