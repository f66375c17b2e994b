import type { EventData } from '@protego/contracts';
import type { SimulatedDevice, SimulatedPatient, SimulatedPerson } from './hospital';

/** Feeds of the simulated hospital; each is declared in `streams/declarations/sources.yaml`. */
export type SimulatedSource =
  | 'ehr'
  | 'network-monitor'
  | 'biomed-gateway'
  | 'host-agents'
  | 'imaging-archive'
  | 'identity-provider'
  | 'exchange-portal'
  | 'directory'
  | 'simulation-clock';

/** An event before it has an id and an arrival time. */
export interface EventDraft {
  readonly timeMs: number;
  readonly source: SimulatedSource;
  readonly type: string;
  readonly subject?: string;
  readonly data: EventData;
}

/** Network zone of a device; `clinical` is where pumps, monitors and their maintenance station live. */
export function zoneOf(device: SimulatedDevice): string {
  switch (device.type) {
    case 'infusion-pump':
    case 'patient-monitor':
    case 'imaging':
      return 'clinical';
    case 'ehr-server':
    case 'interface-server':
      return 'server';
    case 'badge-reader':
      return 'building';
    default:
      return device.ward === 'technical-services' ? 'clinical' : 'ward';
  }
}

/** A device as one end of a connection. */
export function endpointOf(device: SimulatedDevice): { ip: string; hostname: string; zone: string } {
  return { ip: device.ip, hostname: device.uid, zone: zoneOf(device) };
}

/** The service that staff sign in to. */
export const EHR_SERVICE = { name: 'ehr' } as const;

/** Who touched which record, where, and on what ground. */
export interface RecordAccess {
  readonly person: SimulatedPerson;
  readonly device: SimulatedDevice;
  readonly patient: SimulatedPatient;
  readonly hasCareRelationship: boolean;
  readonly purpose: string;
  readonly recordType: string;
}

/** A record that was read, changed or exported. */
export function recordAccessDraft(
  timeMs: number,
  type: 'access.record-read' | 'access.record-changed' | 'access.record-exported',
  access: RecordAccess,
): EventDraft {
  return {
    timeMs,
    source: 'ehr',
    type,
    subject: access.person.user.uid,
    data: {
      actor: { user: access.person.user },
      device: access.device,
      patient: access.patient,
      service: EHR_SERVICE,
      purpose: access.purpose,
      care_relationship: access.hasCareRelationship,
      record_type: access.recordType,
    },
  };
}

/** A sign-in of a member of staff on a device of the house. */
export function signInDraft(
  timeMs: number,
  person: SimulatedPerson,
  device: SimulatedDevice,
  failure?: string,
): EventDraft {
  const shared = { user: person.user, device, src_endpoint: endpointOf(device), service: EHR_SERVICE };
  return {
    timeMs,
    source: 'ehr',
    type: failure === undefined ? 'access.signed-in' : 'access.sign-in-failed',
    subject: person.user.uid,
    data: failure === undefined ? { ...shared, mfa: true } : { ...shared, status_detail: failure },
  };
}
