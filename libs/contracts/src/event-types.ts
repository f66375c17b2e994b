import { ENGINE_TYPES } from './engine-types';
import { EventRegistry, type JsonSchema } from './event-registry';
import { count, flag, number, object, port, string, version1 } from './type-shapes';

// Names follow OCSF 1.x where it has one: user, actor, device, src_endpoint, dst_endpoint, traffic, file, process.
const user = object({ uid: string, name: string, role: string, ward: string }, ['uid']);
const actor = object({ user }, ['user']);
const device = object(
  {
    uid: string,
    name: string,
    type: string,
    ward: string,
    ip: string,
    mac: string,
    model: string,
    owner: string,
    managed: flag,
  },
  ['uid'],
);
const endpoint = object({
  ip: string,
  port,
  hostname: string,
  zone: string,
  mac: string,
  location: object({ country: string }),
});
const patient = object({ uid: string, ward: string, surname: string, street: string, address: string }, ['uid']);
const session = object({ uid: string }, ['uid']);
const httpRequest = object({ user_agent: string });
const service = object({ name: string }, ['name']);
const traffic = object({ bytes_in: count, bytes_out: count, packets_in: count, packets_out: count });
const file = object({ path: string, name: string, size: count, entropy: { type: 'number', minimum: 0, maximum: 8 } });
const partner = object({ uid: string, name: string }, ['uid']);

const recordAccess = object(
  {
    actor,
    device,
    patient,
    service,
    session,
    src_endpoint: endpoint,
    http_request: httpRequest,
    purpose: string,
    care_relationship: flag,
    record_type: string,
    bytes_out: count,
    destination: string,
  },
  ['actor', 'patient'],
);
const exchange = object(
  {
    partner,
    patient,
    actor,
    agreement: string,
    purpose: string,
    bytes_out: count,
    reason: string,
    request: object({ uid: string }, ['uid']),
    src_endpoint: endpoint,
    http_request: httpRequest,
  },
  ['partner'],
);
const consent = object({ partner, patient, purpose: string, actor }, ['partner', 'patient']);

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
    object(
      {
        device,
        status: string,
        battery_percent: number,
        sequence: count,
        readings: object({
          heart_rate: number,
          spo2: number,
          respiration: number,
          systolic: number,
          diastolic: number,
          temperature: number,
          rate_ml_h: number,
          glucose: number,
          steps: number,
        }),
        digest: string,
      },
      ['device'],
    ),
  ),
  version1(
    'device.firmware-changed',
    "A device's firmware changed.",
    object(
      {
        device,
        version: string,
        previous_version: string,
        signed: flag,
        digest: string,
        actor,
        src_endpoint: endpoint,
      },
      ['device', 'version'],
    ),
  ),
  version1(
    'device.config-changed',
    "A device's configuration changed.",
    object({ device, setting: string, value: string, previous_value: string, actor, src_endpoint: endpoint }, [
      'device',
      'setting',
    ]),
  ),
  version1(
    'device.process-started',
    'A process started on a host.',
    object(
      {
        device,
        process: object({
          name: string,
          cmd_line: { type: 'string' },
          parent_process: object({ name: string, cmd_line: { type: 'string' } }),
        }),
        actor,
      },
      ['device'],
    ),
  ),
  version1(
    'device.file-changed',
    'A file on a host or share was created, changed, renamed or deleted.',
    object({ device, file, activity: string, actor }, ['device', 'file']),
  ),
  version1('device.host-event-recorded', "A host's own log record, with its native field names.", object({})),
  version1(
    'device.address-claimed',
    'A network card said that an address is its own (ARP or neighbour announcement).',
    object({ device, ip: string, mac: string, network: string }, ['ip', 'mac']),
  ),
  version1(
    'device.access-point-observed',
    'A wireless access point was heard, or found on the wire.',
    object(
      {
        device,
        access_point: object({ bssid: string, ssid: string, managed: flag, on_wire: flag, encryption: string }, [
          'bssid',
        ]),
        ward: string,
        signal_dbm: number,
      },
      ['access_point'],
    ),
  ),
  version1(
    'device.agent-reported',
    "The agent that ships a device's logs is alive, and says how many records it shipped since it spoke last.",
    object({ device, agent: object({ name: string, version: string }), status: string, records: count }, ['device']),
  ),
  version1(
    'device.media-attached',
    'A removable medium was attached to a device.',
    object({ device, media: object({ type: string, uid: string, known: flag }), actor }, ['device']),
  ),
  version1(
    'device.image-stored',
    'An imaging study came to the archive; `preamble` is what its first 128 bytes are.',
    object(
      {
        device,
        src_endpoint: endpoint,
        image: object({
          modality: string,
          preamble: { enum: ['zero', 'tiff', 'text', 'executable', 'archive', 'other'] },
          size: count,
          private_tags: count,
        }),
        application_entity: string,
        patient,
      },
      ['device', 'image'],
    ),
  ),
  version1(
    'device.maintenance-started',
    'Announced work on a device began.',
    object({ device, actor, ticket: string, reason: string, planned_minutes: count }, ['device']),
  ),
  version1(
    'device.maintenance-ended',
    'Announced work on a device ended.',
    object({ device, actor, ticket: string }, ['device']),
  ),
];

const ACCESS_TYPES = [
  version1(
    'access.signed-in',
    'A person signed in.',
    object({ user, device, src_endpoint: endpoint, service, mfa: flag, session, http_request: httpRequest, partner }, [
      'user',
    ]),
  ),
  version1(
    'access.sign-in-failed',
    'A sign-in was refused.',
    object(
      { user, device, src_endpoint: endpoint, service, status_detail: string, http_request: httpRequest, partner },
      ['user'],
    ),
  ),
  version1(
    'access.mfa-challenged',
    'A person was asked for a second factor.',
    object(
      {
        user,
        device,
        src_endpoint: endpoint,
        service,
        method: string,
        outcome: { enum: ['approved', 'denied', 'timed-out', 'failed'] },
      },
      ['user', 'outcome'],
    ),
  ),
  version1(
    'access.session-ended',
    'A session ended.',
    object({ user, device, service, session, reason: string }, ['user']),
  ),
  version1(
    'access.keystrokes-measured',
    'How a person types in a session: mean times for which keys are held and between keys, and their spread.',
    object(
      {
        user,
        device,
        session,
        keys: count,
        dwell_ms: { type: 'number', minimum: 0 },
        flight_ms: { type: 'number', minimum: 0 },
        spread_ms: { type: 'number', minimum: 0 },
      },
      ['user', 'keys', 'dwell_ms', 'flight_ms'],
    ),
  ),
  version1(
    'access.badge-read',
    'A badge was held to a reader.',
    object({ user, device, door: string, outcome: { enum: ['opened', 'refused'] } }, ['user', 'device']),
  ),
  version1(
    'access.device-reported-lost',
    'A device was reported lost or stolen.',
    object({ user, device, actor }, ['device']),
  ),
  version1(
    'access.device-reported-found',
    'A device that was reported lost is back with its owner.',
    object({ user, device, actor }, ['device']),
  ),
  version1(
    'access.credential-reset',
    'A password or second factor was set anew.',
    object({ user, actor, device, src_endpoint: endpoint, credential: string }, ['user']),
  ),
  version1('access.record-read', "A patient's record was read.", recordAccess),
  version1('access.record-changed', "A patient's record was changed.", recordAccess),
  version1('access.record-exported', "A patient's record was exported.", recordAccess),
  version1(
    'access.break-glass-used',
    'Emergency access was used.',
    object({ actor, device, patient, session, src_endpoint: endpoint, reason: string }, ['actor', 'patient']),
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
  version1('exchange.revoked', 'A release was taken back: the partner may not use the data any more.', exchange),
  version1('exchange.consent-given', 'A patient agreed that a partner gets data for a purpose.', consent),
  version1('exchange.consent-withdrawn', 'A patient took a consent back.', consent),
];

const texts: JsonSchema = { type: 'array', maxItems: 64, items: string };

const KNOWLEDGE_TYPES = [
  version1(
    'roster.person-assigned',
    'A person was assigned to a ward or role; where the person lives, and the record that the person has as a patient.',
    object({ user, resident: object({ patient_uid: string, surname: string, street: string, address: string }) }, [
      'user',
    ]),
  ),
  version1('roster.person-left', 'A person works here no more.', object({ user }, ['user'])),
  version1(
    'roster.shift-assigned',
    'A person is on duty, or on call, from one time to another (RFC 3339).',
    object({ user, start: string, end: string, on_call: flag }, ['user', 'start', 'end']),
  ),
  version1(
    'roster.partner-agreed',
    'An agreement with a partner came into force: for what, and from which networks (CIDR).',
    object({ partner, agreement: string, purposes: texts, networks: texts }, ['partner', 'agreement']),
  ),
  version1(
    'roster.partner-ended',
    'An agreement with a partner ended.',
    object({ partner, agreement: string }, ['partner']),
  ),
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
  version1('care.patient-admitted', 'A patient came to a ward.', object({ patient, user }, ['patient'])),
  version1(
    'care.patient-transferred',
    'A patient went to another ward.',
    object({ patient, from_ward: string }, ['patient']),
  ),
  version1(
    'care.patient-discharged',
    'A patient left the hospital.',
    object({ patient, outcome: { enum: ['home', 'other-hospital', 'deceased'] } }, ['patient']),
  ),
  version1(
    'watchlist.entry-added',
    'An entity was put on a watch list: a patient as `patient`, so that the token is that of the record, others as `value`.',
    object({ list: string, value: string, patient, reason: string }, ['list']),
  ),
  version1(
    'watchlist.entry-removed',
    'An entity was taken off a watch list.',
    object({ list: string, value: string, patient, reason: string }, ['list']),
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
  ...ENGINE_TYPES,
]);
