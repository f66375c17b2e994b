import type { ReachedService } from '../reached-services';
import { DAY_MS, HOUR_MS } from '../durations';
import type { DeviceClass } from '../hospital/model';

const MINUTE_MS = 60_000;
const KB = 1_000;
const MB = 1_000_000;

/** Bounds of a number, both included; small ones are more frequent than large ones. */
export type Span = readonly [from: number, to: number];

/** Somebody outside the house whom devices know. */
export type OutsidePeer = 'maker' | 'web' | 'time-server' | 'name-server' | 'partner';
/** Whom a device connects to. */
export type Peer = DeviceClass | OutsidePeer;

/** A kind of connection that devices of a class open in ordinary life. */
export interface FlowKind {
  readonly from: DeviceClass;
  readonly to: Peer;
  readonly service: ReachedService;
  readonly bytesOut: Span;
  readonly bytesIn: Span;
  readonly durationMs: Span;
  /** At an interval of its own, give or take a part of it; or by chance, so often a day and device, as busy as its ward is. */
  readonly often: { readonly everyMs: number; readonly jitter: number } | { readonly perDay: number };
  /** Share of the devices of the class that do it; all where missing. */
  readonly share?: number;
  /** Only while offices are open; by night: once, when little else happens. */
  readonly only?: 'by-day' | 'by-night';
  /** Only devices of these wards and units. */
  readonly wards?: readonly string[];
  /** Only where the peer stands in the same ward, if one does. */
  readonly inWard?: boolean;
}

const MQTT = { port: 8883, application: 'mqtt-tls' };
const HL7 = { port: 2575, application: 'hl7-mllp' };
const HTTPS = { port: 443, application: 'https' };
const NTP = { port: 123, application: 'ntp', protocol: 'udp' } as const;
const DNS = { port: 53, application: 'dns', protocol: 'udp' } as const;
const SMB = { port: 445, application: 'smb' };
const KERBEROS = { port: 88, application: 'kerberos' };
const LDAPS = { port: 636, application: 'ldaps' };
const PRINT = { port: 9100, application: 'raw-print' };
const SNMP = { port: 161, application: 'snmp', protocol: 'udp' } as const;
const UPDATES = { port: 8530, application: 'http' };
const WAVEFORMS = { port: 24_105, application: 'monitoring', protocol: 'udp' } as const;
const WORKLIST = { port: 11_112, application: 'dicom' };
const DOORS = { port: 4070, application: 'osdp' };
const CAPWAP = { port: 5246, application: 'capwap', protocol: 'udp' } as const;
const BACKUP = { port: 13_724, application: 'backup' };

const every = (everyMs: number, jitter = 0.08) => ({ everyMs, jitter });
const TIME = { service: NTP, bytesOut: [76, 76], bytesIn: [76, 76], durationMs: [1, 40] } as const;
const NAMES = { service: DNS, bytesOut: [60, 160], bytesIn: [90, 500], durationMs: [1, 60] } as const;

const BEDSIDE: readonly FlowKind[] = [
  {
    from: 'infusion-pump',
    to: 'interface-server',
    service: MQTT,
    bytesOut: [600, 3 * KB],
    bytesIn: [200, 900],
    durationMs: [400, 30_000],
    often: every(6 * HOUR_MS),
  },
  { from: 'infusion-pump', to: 'domain-controller', ...TIME, often: every(DAY_MS) },
  {
    from: 'patient-monitor',
    to: 'interface-server',
    service: HL7,
    bytesOut: [3 * KB, 20 * KB],
    bytesIn: [400, 2 * KB],
    durationMs: [200, 9_000],
    often: every(3 * HOUR_MS),
  },
  {
    from: 'patient-monitor',
    to: 'central-station',
    service: WAVEFORMS,
    bytesOut: [400 * KB, 3 * MB],
    bytesIn: [2 * KB, 9 * KB],
    durationMs: [60_000, 900_000],
    often: every(3 * HOUR_MS, 0.04),
    inWard: true,
  },
  {
    from: 'central-station',
    to: 'interface-server',
    service: HL7,
    bytesOut: [8 * KB, 60 * KB],
    bytesIn: [1 * KB, 6 * KB],
    durationMs: [300, 12_000],
    often: every(HOUR_MS),
  },
  {
    from: 'ventilator',
    to: 'interface-server',
    service: HL7,
    bytesOut: [2 * KB, 14 * KB],
    bytesIn: [300, 2 * KB],
    durationMs: [200, 8_000],
    often: every(4 * HOUR_MS),
  },
  {
    from: 'lab-analyser',
    to: 'interface-server',
    service: HL7,
    bytesOut: [1 * KB, 12 * KB],
    bytesIn: [400, 3 * KB],
    durationMs: [100, 4_000],
    often: { perDay: 45 },
  },
  {
    from: 'lab-analyser',
    to: 'maker',
    service: HTTPS,
    bytesOut: [3 * KB, 40 * KB],
    bytesIn: [2 * KB, 20 * KB],
    durationMs: [300, 5_000],
    often: every(3 * HOUR_MS, 0.15),
  },
];

const IMAGING: readonly FlowKind[] = [
  {
    from: 'imaging',
    to: 'interface-server',
    service: WORKLIST,
    bytesOut: [800, 4 * KB],
    bytesIn: [4 * KB, 60 * KB],
    durationMs: [80, 3_000],
    often: { perDay: 22 },
  },
  {
    from: 'imaging',
    to: 'maker',
    service: HTTPS,
    bytesOut: [4 * KB, 60 * KB],
    bytesIn: [2 * KB, 30 * KB],
    durationMs: [300, 6_000],
    often: every(2 * HOUR_MS, 0.12),
  },
  { from: 'imaging', to: 'domain-controller', ...TIME, often: every(12 * HOUR_MS) },
];

const DESKS: readonly FlowKind[] = [
  {
    from: 'tablet',
    to: 'ehr-server',
    service: HTTPS,
    bytesOut: [4 * KB, 160 * KB],
    bytesIn: [20 * KB, 900 * KB],
    durationMs: [2_000, 400_000],
    often: { perDay: 19 },
  },
  { from: 'tablet', to: 'domain-controller', ...NAMES, often: { perDay: 3 } },
  {
    from: 'workstation',
    to: 'ehr-server',
    service: HTTPS,
    bytesOut: [8 * KB, 400 * KB],
    bytesIn: [60 * KB, 2 * MB],
    durationMs: [5_000, 900_000],
    often: { perDay: 18 },
  },
  { from: 'workstation', to: 'domain-controller', ...NAMES, often: { perDay: 4 } },
  {
    from: 'workstation',
    to: 'domain-controller',
    service: KERBEROS,
    bytesOut: [1 * KB, 4 * KB],
    bytesIn: [1 * KB, 4 * KB],
    durationMs: [5, 200],
    often: { perDay: 4 },
  },
  {
    from: 'workstation',
    to: 'file-server',
    service: SMB,
    bytesOut: [10 * KB, 3 * MB],
    bytesIn: [20 * KB, 9 * MB],
    durationMs: [500, 300_000],
    often: { perDay: 6 },
  },
  {
    from: 'workstation',
    to: 'printer',
    service: PRINT,
    bytesOut: [30 * KB, 3 * MB],
    bytesIn: [200, 2 * KB],
    durationMs: [400, 20_000],
    often: { perDay: 3 },
    inWard: true,
  },
  {
    from: 'workstation',
    to: 'web',
    service: HTTPS,
    bytesOut: [2 * KB, 200 * KB],
    bytesIn: [8 * KB, 6 * MB],
    durationMs: [200, 240_000],
    often: { perDay: 8 },
  },
  {
    from: 'workstation',
    to: 'update-server',
    service: UPDATES,
    bytesOut: [4 * KB, 20 * KB],
    bytesIn: [10 * KB, 30 * MB],
    durationMs: [200, 60_000],
    often: every(DAY_MS, 0.2),
  },
  {
    from: 'workstation',
    to: 'maker',
    service: HTTPS,
    bytesOut: [3 * KB, 12 * KB],
    bytesIn: [2 * KB, 40 * KB],
    durationMs: [150, 2_500],
    often: every(3 * HOUR_MS, 0.1),
  },
];

/** Studies that are looked at. */
const VIEWERS: FlowKind = {
  from: 'workstation',
  to: 'image-archive',
  service: WORKLIST,
  bytesOut: [2 * KB, 40 * KB],
  bytesIn: [3 * MB, 300 * MB],
  durationMs: [800, 90_000],
  often: { perDay: 18 },
  wards: ['radiology', 'emergency', 'theatre'],
};

/** A program for messages that some desks keep open: it asks for news all day. */
const MESSAGES: FlowKind = {
  from: 'workstation',
  to: 'web',
  service: HTTPS,
  bytesOut: [1 * KB, 8 * KB],
  bytesIn: [1 * KB, 30 * KB],
  durationMs: [200, 60_000],
  often: every(25 * MINUTE_MS, 0.3),
  share: 0.1,
  only: 'by-day',
};

// Phones of staff connect while their owners are on duty, so these are numbers of a whole day on duty.
const CARRIED: readonly FlowKind[] = [
  {
    from: 'phone',
    to: 'ehr-server',
    service: HTTPS,
    bytesOut: [3 * KB, 60 * KB],
    bytesIn: [10 * KB, 500 * KB],
    durationMs: [1_000, 200_000],
    often: { perDay: 20 },
  },
  {
    from: 'phone',
    to: 'web',
    service: HTTPS,
    bytesOut: [2 * KB, 300 * KB],
    bytesIn: [8 * KB, 8 * MB],
    durationMs: [200, 120_000],
    often: { perDay: 22 },
  },
  {
    from: 'wearable',
    to: 'maker',
    service: MQTT,
    bytesOut: [2 * KB, 20 * KB],
    bytesIn: [400, 3 * KB],
    durationMs: [200, 6_000],
    often: every(200 * MINUTE_MS, 0.15),
  },
  {
    from: 'cellular-gateway',
    to: 'interface-server',
    service: MQTT,
    bytesOut: [4 * KB, 60 * KB],
    bytesIn: [500, 5 * KB],
    durationMs: [500, 90_000],
    often: every(HOUR_MS),
  },
  {
    from: 'cellular-gateway',
    to: 'ehr-server',
    service: { ...HTTPS, application: 'fhir' },
    bytesOut: [2 * KB, 30 * KB],
    bytesIn: [4 * KB, 80 * KB],
    durationMs: [100, 4_000],
    often: { perDay: 8 },
  },
];

const BUILDING: readonly FlowKind[] = [
  {
    from: 'badge-reader',
    to: 'interface-server',
    service: DOORS,
    bytesOut: [300, 2 * KB],
    bytesIn: [200, 900],
    durationMs: [20, 900],
    often: every(6 * HOUR_MS),
  },
  {
    from: 'access-point',
    to: 'gateway',
    service: CAPWAP,
    bytesOut: [10 * KB, 90 * KB],
    bytesIn: [6 * KB, 60 * KB],
    durationMs: [60_000, 600_000],
    often: every(4 * HOUR_MS, 0.03),
  },
  {
    from: 'printer',
    to: 'update-server',
    service: SNMP,
    bytesOut: [300, 2 * KB],
    bytesIn: [200, 900],
    durationMs: [5, 400],
    often: every(6 * HOUR_MS),
  },
];

const SERVERS: readonly FlowKind[] = [
  {
    from: 'ehr-server',
    to: 'interface-server',
    service: HL7,
    bytesOut: [2 * KB, 60 * KB],
    bytesIn: [500, 4 * KB],
    durationMs: [20, 3_000],
    often: { perDay: 100 },
  },
  {
    from: 'interface-server',
    to: 'ehr-server',
    service: { ...HTTPS, application: 'fhir' },
    bytesOut: [2 * KB, 90 * KB],
    bytesIn: [1 * KB, 30 * KB],
    durationMs: [20, 4_000],
    often: { perDay: 100 },
  },
  {
    from: 'interface-server',
    to: 'partner',
    service: HTTPS,
    bytesOut: [4 * KB, 400 * KB],
    bytesIn: [1 * KB, 60 * KB],
    durationMs: [100, 8_000],
    often: { perDay: 40 },
  },
  {
    from: 'ehr-server',
    to: 'domain-controller',
    service: LDAPS,
    bytesOut: [2 * KB, 20 * KB],
    bytesIn: [4 * KB, 60 * KB],
    durationMs: [10, 900],
    often: every(20 * MINUTE_MS),
  },
  { from: 'domain-controller', to: 'name-server', ...NAMES, often: { perDay: 120 } },
  { from: 'domain-controller', to: 'time-server', ...TIME, often: every(HOUR_MS) },
  {
    from: 'update-server',
    to: 'maker',
    service: HTTPS,
    bytesOut: [6 * KB, 40 * KB],
    bytesIn: [100 * KB, 400 * MB],
    durationMs: [500, 600_000],
    often: every(6 * HOUR_MS, 0.1),
  },
];

const BACKED_UP = ['ehr-server', 'file-server', 'image-archive', 'interface-server', 'domain-controller'] as const;
const BACKUPS: readonly FlowKind[] = BACKED_UP.map((from) => ({
  from,
  to: 'backup-server',
  service: BACKUP,
  bytesOut: [9_000 * MB, 11_000 * MB],
  bytesIn: [10 * MB, 20 * MB],
  durationMs: [1_500_000, 3_000_000],
  often: every(DAY_MS, 0.002),
  only: 'by-night',
}));

/** Every kind of connection of ordinary life; studies of imaging devices and remote access come on top. */
export const FLOW_KINDS: readonly FlowKind[] = [
  ...BEDSIDE,
  ...IMAGING,
  ...DESKS,
  VIEWERS,
  MESSAGES,
  ...CARRIED,
  ...BUILDING,
  ...SERVERS,
  ...BACKUPS,
];
