import type { EventData } from '@protego/contracts';
import type { EventDraft, SimulatedSource } from './draft';
import type { DeviceView, Partner, Resident, SimulatedDevice, StaffMember, Zone } from './hospital/model';

// One function for each kind of event. Ordinary life and planted activities use the same ones, so that fields, their order and
// their form never tell one from the other.

/** A person as it stands in events: staff, partners' people, patients' accounts, or a name that somebody typed. */
export type UserView = { readonly uid: string; readonly role?: string; readonly ward?: string };
/** One end of a connection. */
export interface EndpointView {
  readonly ip: string;
  readonly hostname?: string;
  readonly zone: Zone;
  readonly country?: string;
}
/** A patient as it stands in events. */
export type PatientView = { readonly uid: string; readonly ward?: string };

/** A device as one end of a connection. */
export function endpointOf({ view, zone }: SimulatedDevice): EndpointView {
  return { ip: view.ip, hostname: view.uid, zone };
}

/** An address outside as one end of a connection. */
export function outside(ip: string, country: string, hostname?: string): EndpointView {
  return { ip, ...(hostname === undefined ? {} : { hostname }), zone: 'internet', country };
}

/** A patient in events: the ward is left out where nobody knows one. */
export function patientView({ patientUid }: Resident, ward?: string): PatientView {
  return ward === undefined ? { uid: patientUid } : { uid: patientUid, ward };
}

// Ends of connections are what a simulation makes most of; objects that are written out whole are made several times as fast.
function endpointData({ ip, hostname, zone, country }: EndpointView, port?: number): EventData {
  if (country === undefined) {
    if (port === undefined) return hostname === undefined ? { ip, zone } : { ip, hostname, zone };
    return hostname === undefined ? { ip, zone, port } : { ip, hostname, zone, port };
  }
  const location = { country };
  if (port === undefined) return hostname === undefined ? { ip, zone, location } : { ip, hostname, zone, location };
  return hostname === undefined ? { ip, zone, port, location } : { ip, hostname, zone, port, location };
}

function draft(
  timeMs: number,
  source: SimulatedSource,
  type: string,
  subject: string | undefined,
  data: EventData,
): EventDraft {
  return subject === undefined ? { timeMs, source, type, data } : { timeMs, source, type, subject, data };
}

/** What a connection carried. */
export interface FlowFacts {
  /** Device that the network monitor files the connection under: the one that opened it, or the medical one of the two. */
  readonly about?: DeviceView;
  readonly from: EndpointView;
  readonly fromPort: number;
  readonly to: EndpointView;
  readonly toPort: number;
  readonly application: string;
  readonly protocol?: 'tcp' | 'udp';
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly durationMs: number;
}

/** A connection, summed up by the network monitor. */
export function flowDraft(timeMs: number, flow: FlowFacts): EventDraft {
  const { about, from, bytesIn, bytesOut } = flow;
  const facts = {
    src_endpoint: endpointData(from, flow.fromPort),
    dst_endpoint: endpointData(flow.to, flow.toPort),
    protocol: flow.protocol ?? 'tcp',
    application: flow.application,
    traffic: {
      bytes_in: bytesIn,
      bytes_out: bytesOut,
      packets_in: Math.ceil(bytesIn / 1400),
      packets_out: Math.ceil(bytesOut / 1400),
    },
    duration_ms: flow.durationMs,
  };
  const source = 'network-monitor';
  const type = 'device.network-flow-observed';
  if (about === undefined) return { timeMs, source, type, subject: from.ip, data: facts };
  return { timeMs, source, type, subject: about.uid, data: { device: about, ...facts } };
}

/** An event of the network or a gateway about a device: joined, left, telemetry, firmware, settings, maintenance … */
export function deviceDraft(
  timeMs: number,
  source: SimulatedSource,
  type: string,
  device: DeviceView,
  facts: EventData = {},
): EventDraft {
  return draft(timeMs, source, type, device.uid, { device, ...facts });
}

/** An agent's event about a host: a process, a file, a medium, its own heartbeat. */
export function hostDraft(timeMs: number, type: string, device: DeviceView, facts: EventData): EventDraft {
  return deviceDraft(timeMs, 'host-agents', type, device, facts);
}

/** A process that started on a host. */
export function processDraft(
  timeMs: number,
  device: DeviceView,
  name: string,
  cmdLine: string,
  parent: string,
  user?: UserView,
): EventDraft {
  return hostDraft(timeMs, 'device.process-started', device, {
    process: { name, cmd_line: cmdLine, parent_process: { name: parent } },
    ...(user === undefined ? {} : { actor: { user } }),
  });
}

/** A file that was created, changed, renamed or deleted; entropy in bits a byte. */
export function fileDraft(
  timeMs: number,
  device: DeviceView,
  file: { readonly path: string; readonly size: number; readonly entropy: number },
  activity: 'created' | 'changed' | 'renamed' | 'deleted',
  user?: UserView,
): EventDraft {
  const name = file.path.slice(Math.max(file.path.lastIndexOf('\\'), file.path.lastIndexOf('/')) + 1);
  return hostDraft(timeMs, 'device.file-changed', device, {
    file: { path: file.path, name, size: file.size, entropy: file.entropy },
    activity,
    ...(user === undefined ? {} : { actor: { user } }),
  });
}

/** Where somebody works from. */
export interface Seat {
  readonly user: UserView;
  readonly device?: DeviceView;
  readonly from?: EndpointView;
  readonly service: string;
  readonly session?: string;
  readonly userAgent?: string;
  readonly partner?: Partner['view'];
}

function seatData({ user, device, from, service, session, userAgent, partner }: Seat): EventData {
  return {
    user,
    ...(device === undefined ? {} : { device }),
    ...(from === undefined ? {} : { src_endpoint: endpointData(from) }),
    service: { name: service },
    ...(session === undefined ? {} : { session: { uid: session } }),
    ...(userAgent === undefined ? {} : { http_request: { user_agent: userAgent } }),
    ...(partner === undefined ? {} : { partner }),
  };
}

const sourceOfService = (service: string): SimulatedSource =>
  service === 'exchange-portal' || service === 'patient-portal' ? 'exchange-portal' : 'identity-provider';

/** A sign-in that succeeded. */
export function signedInDraft(timeMs: number, seat: Seat, mfa: boolean): EventDraft {
  return draft(timeMs, sourceOfService(seat.service), 'access.signed-in', seat.user.uid, { ...seatData(seat), mfa });
}

/** A sign-in that was refused: `wrong password`, `unknown account`, `password expired`, `account locked` … */
export function signInFailedDraft(timeMs: number, seat: Seat, detail: string): EventDraft {
  return draft(timeMs, sourceOfService(seat.service), 'access.sign-in-failed', seat.user.uid, {
    ...seatData({ ...seat, session: undefined }),
    status_detail: detail,
  });
}

/** A second factor that was asked for. */
export function mfaDraft(
  timeMs: number,
  seat: Seat,
  method: 'push' | 'token' | 'text-message',
  outcome: 'approved' | 'denied' | 'timed-out' | 'failed',
): EventDraft {
  const { user, device, from, service } = seat;
  return draft(timeMs, 'identity-provider', 'access.mfa-challenged', user.uid, {
    ...seatData({ user, device, from, service }),
    method,
    outcome,
  });
}

/** A session that ended. */
export function sessionEndedDraft(timeMs: number, seat: Seat, reason: string): EventDraft {
  const { user, device, service, session } = seat;
  return draft(timeMs, sourceOfService(service), 'access.session-ended', user.uid, {
    ...seatData({ user, device, service, session }),
    reason,
  });
}

/** How somebody typed in a session; milliseconds. */
export function keystrokesDraft(
  timeMs: number,
  seat: Seat,
  typing: { readonly keys: number; readonly dwellMs: number; readonly flightMs: number; readonly spreadMs: number },
): EventDraft {
  const { user, device, session } = seat;
  return draft(timeMs, 'identity-provider', 'access.keystrokes-measured', user.uid, {
    user,
    ...(device === undefined ? {} : { device }),
    ...(session === undefined ? {} : { session: { uid: session } }),
    keys: typing.keys,
    dwell_ms: typing.dwellMs,
    flight_ms: typing.flightMs,
    spread_ms: typing.spreadMs,
  });
}

/** Other events about accounts and what people carry: badge-read, device-reported-lost, credential-reset, privilege-changed. */
export function accountDraft(timeMs: number, type: string, subject: string, data: EventData): EventDraft {
  return draft(timeMs, 'identity-provider', type, subject, data);
}

/** Who touched which record, where, and on what ground. */
export interface RecordAccess {
  readonly person: StaffMember;
  readonly device: DeviceView;
  readonly from: EndpointView;
  readonly session: string;
  readonly userAgent: string;
  readonly patient: PatientView;
  readonly hasCareRelationship: boolean;
  /** `treatment`, `consult`, `infection-control`, `coding`, `quality-review`, `admission`, `medication-review`, `own-record` … */
  readonly purpose: string;
  /** `chart`, `medication`, `laboratory`, `imaging-report`, `observation`, `demographics`, `letters`. */
  readonly recordType: string;
  /** `ehr` where missing. */
  readonly service?: string;
}

/** A record that was read, changed or exported; an export names where to and how much. */
export function recordDraft(
  timeMs: number,
  act: 'read' | 'changed' | 'exported',
  access: RecordAccess,
  exported?: { readonly bytesOut: number; readonly destination: string },
): EventDraft {
  return draft(timeMs, 'ehr', `access.record-${act}`, access.person.user.uid, {
    actor: { user: access.person.user },
    device: access.device,
    src_endpoint: endpointData(access.from),
    session: { uid: access.session },
    http_request: { user_agent: access.userAgent },
    patient: access.patient,
    service: { name: access.service ?? 'ehr' },
    purpose: access.purpose,
    care_relationship: access.hasCareRelationship,
    record_type: access.recordType,
    ...(exported === undefined ? {} : { bytes_out: exported.bytesOut, destination: exported.destination }),
  });
}

/** Emergency access to a record; without a reason where nobody gave one. */
export function breakGlassDraft(timeMs: number, access: RecordAccess, reason?: string): EventDraft {
  return draft(timeMs, 'ehr', 'access.break-glass-used', access.person.user.uid, {
    actor: { user: access.person.user },
    device: access.device,
    src_endpoint: endpointData(access.from),
    session: { uid: access.session },
    patient: access.patient,
    ...(reason === undefined ? {} : { reason }),
  });
}

/** What was asked for, released, refused or received. */
export interface ExchangeFacts {
  readonly partner: Partner['view'];
  readonly patient?: PatientView;
  /** The partner's person, or the member of staff who released it. */
  readonly actor?: UserView;
  readonly agreement?: string;
  readonly purpose?: string;
  readonly request?: string;
  readonly bytesOut?: number;
  readonly reason?: string;
  readonly from?: EndpointView;
  readonly userAgent?: string;
}

/** An exchange with a partner: requested, released, refused, received, revoked. */
export function exchangeDraft(
  timeMs: number,
  act: 'requested' | 'released' | 'refused' | 'received' | 'revoked',
  facts: ExchangeFacts,
): EventDraft {
  const { partner, patient, actor, agreement, purpose, request, bytesOut, reason, from, userAgent } = facts;
  return draft(timeMs, 'exchange-portal', `exchange.${act}`, patient?.uid ?? partner.uid, {
    partner,
    ...(patient === undefined ? {} : { patient }),
    ...(actor === undefined ? {} : { actor: { user: actor } }),
    ...(agreement === undefined ? {} : { agreement }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(request === undefined ? {} : { request: { uid: request } }),
    ...(bytesOut === undefined ? {} : { bytes_out: bytesOut }),
    ...(reason === undefined ? {} : { reason }),
    ...(from === undefined ? {} : { src_endpoint: endpointData(from) }),
    ...(userAgent === undefined ? {} : { http_request: { user_agent: userAgent } }),
  });
}

/** A consent that a patient gave or took back. */
export function consentDraft(
  timeMs: number,
  act: 'consent-given' | 'consent-withdrawn',
  partner: Partner['view'],
  patient: PatientView,
  purpose: string,
): EventDraft {
  return draft(timeMs, 'exchange-portal', `exchange.${act}`, patient.uid, { partner, patient, purpose });
}

/** What the directory says: rosters, care, watch lists. */
export function directoryDraft(timeMs: number, type: string, subject: string, data: EventData): EventDraft {
  return draft(timeMs, 'directory', type, subject, data);
}
