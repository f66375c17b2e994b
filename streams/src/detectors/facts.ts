import type { LoggedEvent } from '@protego/contracts';
import type { Json } from '../operators/stream-element';
import { isInCidr, parseCidr, parseIpAddress, type CidrBlock } from '../sigma/cidr';

/** A device, as an event names it; null for what the event does not say. */
export type DeviceFact = {
  readonly uid: string;
  /** Class of device, such as `infusion-pump`. */
  readonly type: string | null;
  readonly ward: string | null;
  readonly ip: string | null;
};

/** What was said of a device and where it belongs. */
export type InventoryFact = { readonly kind: 'inventory'; readonly device: DeviceFact };

/** A connection. */
export type FlowFact = {
  readonly kind: 'flow';
  /** Device that opened it: its id, else its address or host name. */
  readonly from: string;
  readonly fromAddress: string | null;
  /** Class of that device, where the event says it. */
  readonly deviceClass: string | null;
  /** Host name of the other side, else its address. */
  readonly to: string;
  readonly toAddress: string | null;
  readonly toPort: number | null;
  /** True when the other side is not in the hospital. */
  readonly leavesHouse: boolean;
  /** Bytes that the opening side sent. */
  readonly bytesOut: number | null;
};

/** Somebody at work. */
export type AccessFact = {
  readonly kind: 'access';
  readonly person: string;
  readonly role: string | null;
  readonly ward: string | null;
  readonly device: DeviceFact | null;
  /** Patient whose record was read or exported. */
  readonly patient: string | null;
};

/** A file that was changed. */
export type FileFact = {
  readonly kind: 'file';
  readonly device: string;
  /** Path, else name. */
  readonly file: string;
  /** Bits a byte. */
  readonly entropy: number;
};

/** What detectors need of one event; plain data, because it waits for its watermark in snapshots too. */
export type Fact = InventoryFact | FlowFact | AccessFact | FileFact;

/** Reads what detectors need of an event; undefined where it says nothing to them. Persons stand in it in clear. */
export function readFact({ event: { type, data } }: LoggedEvent): Fact | undefined {
  return READERS.get(type)?.(data);
}

/** Free text that a fact rests on, by field name; none for most. */
export function textFieldsOf({ event: { type, data } }: LoggedEvent): readonly string[] {
  if (type !== 'device.file-changed') return [];
  return [(data as { readonly file: { readonly path?: string } }).file.path === undefined ? 'file.name' : 'file.path'];
}

type Data = LoggedEvent['event']['data'];

const READERS: ReadonlyMap<string, (data: Data) => Fact | undefined> = new Map<
  string,
  (data: Data) => Fact | undefined
>([
  ['device.joined', inventoryFact],
  ['roster.device-assigned', inventoryFact],
  ['device.network-flow-observed', (data: Data) => flowFact(data as unknown as OcsfFlow)],
  ['device.network-log-recorded', zeekFlowFact],
  ['device.file-changed', (data: Data) => fileFact(data as unknown as OcsfFileChange)],
  ['access.signed-in', (data: Data) => accessFact(data as unknown as OcsfAccess, false)],
  ['access.record-read', (data: Data) => accessFact(data as unknown as OcsfAccess, true)],
  ['access.record-exported', (data: Data) => accessFact(data as unknown as OcsfAccess, true)],
  ['access.record-changed', (data: Data) => accessFact(data as unknown as OcsfAccess, false)],
  ['access.break-glass-used', (data: Data) => accessFact(data as unknown as OcsfAccess, false)],
]);

interface OcsfDevice {
  readonly uid: string;
  readonly type?: string;
  readonly ward?: string;
  readonly ip?: string;
}

interface OcsfEndpoint {
  readonly ip?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly zone?: string;
}

interface OcsfFlow {
  readonly device?: OcsfDevice;
  readonly src_endpoint: OcsfEndpoint;
  readonly dst_endpoint: OcsfEndpoint;
  readonly traffic?: { readonly bytes_out?: number };
}

interface OcsfUser {
  readonly uid: string;
  readonly role?: string;
  readonly ward?: string;
}

interface OcsfAccess {
  readonly user?: OcsfUser;
  readonly actor?: { readonly user: OcsfUser };
  readonly device?: OcsfDevice;
  readonly patient?: { readonly uid: string };
}

interface OcsfFileChange {
  readonly device: OcsfDevice;
  readonly file: { readonly path?: string; readonly name?: string; readonly entropy?: number };
}

function deviceFact({ uid, type, ward, ip }: OcsfDevice): DeviceFact {
  return { uid, type: type ?? null, ward: ward ?? null, ip: ip ?? null };
}

function inventoryFact(data: Data): InventoryFact | undefined {
  const { device } = data as { readonly device?: OcsfDevice };
  return device === undefined ? undefined : { kind: 'inventory', device: deviceFact(device) };
}

function flowFact({ device, src_endpoint: source, dst_endpoint: target, traffic }: OcsfFlow): FlowFact | undefined {
  const from = device?.uid ?? source.ip ?? source.hostname;
  const to = target.hostname ?? target.ip;
  if (from === undefined || to === undefined) return undefined;
  return {
    kind: 'flow',
    from,
    fromAddress: source.ip ?? null,
    deviceClass: device?.type ?? null,
    to,
    toAddress: target.ip ?? null,
    toPort: target.port ?? null,
    leavesHouse: leavesHouse(target),
    bytesOut: traffic?.bytes_out ?? null,
  };
}

// Zeek writes `id` flat or nested, depending on who ships its logs.
function zeekFlowFact(data: Data): FlowFact | undefined {
  if (data['_path'] !== 'conn') return undefined;
  const id = (data['id'] ?? {}) as Readonly<Record<string, unknown>>;
  const from = data['id.orig_h'] ?? id['orig_h'];
  const to = data['id.resp_h'] ?? id['resp_h'];
  const toPort = data['id.resp_p'] ?? id['resp_p'];
  const bytesOut = data['orig_bytes'];
  if (typeof from !== 'string' || typeof to !== 'string') return undefined;
  return {
    kind: 'flow',
    from,
    fromAddress: from,
    deviceClass: null,
    to,
    toAddress: to,
    toPort: typeof toPort === 'number' ? toPort : null,
    leavesHouse: leavesHouse({ ip: to }),
    bytesOut: typeof bytesOut === 'number' && Number.isSafeInteger(bytesOut) && bytesOut >= 0 ? bytesOut : null,
  };
}

function accessFact({ user, actor, device, patient }: OcsfAccess, isRead: boolean): AccessFact | undefined {
  const person = actor?.user ?? user;
  if (person === undefined) return undefined;
  return {
    kind: 'access',
    person: person.uid,
    role: person.role ?? null,
    ward: person.ward ?? null,
    device: device === undefined ? null : deviceFact(device),
    patient: isRead ? (patient?.uid ?? null) : null,
  };
}

function fileFact({ device, file: { path, name, entropy } }: OcsfFileChange): FileFact | undefined {
  return entropy === undefined ? undefined : { kind: 'file', device: device.uid, file: path ?? name ?? '', entropy };
}

/** Addresses that are nobody's on the Internet: RFC 1918, 4193, 6598, 3927, 4291, 5771 and loopback. */
const INSIDE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8']
  .concat(['224.0.0.0/4', '255.255.255.255/32', '0.0.0.0/8', 'fc00::/7', 'fe80::/10', 'ff00::/8', '::/127'])
  .map((text) => parseCidr(text) as CidrBlock);

/** Endings of host names that stand for no host of the Internet (RFC 6761, 6762, 8375, and `.internal` of ICANN). */
const INSIDE_NAME = /(?:^[^.]*|\.(?:local|localhost|internal|lan|home\.arpa|test|invalid))$/i;

/** Zones that `dst_endpoint.zone` calls the world outside. */
const OUTSIDE_ZONE = /^(?:internet|external|outside|wan|public)$/i;

function leavesHouse({ ip, hostname, zone }: OcsfEndpoint): boolean {
  if (zone !== undefined) return OUTSIDE_ZONE.test(zone);
  if (ip === undefined) return hostname !== undefined && !INSIDE_NAME.test(hostname);
  return isOutside(ip);
}

/** The same few addresses come again and again; this is what was found out about them. */
const outside = new Map<string, boolean>();
const OUTSIDE_KNOWN_MAX = 4_096;

function isOutside(ip: string): boolean {
  const known = outside.get(ip);
  if (known !== undefined) return known;
  if (outside.size >= OUTSIDE_KNOWN_MAX) outside.clear();
  const address = parseIpAddress(ip);
  const answer = address !== undefined && !INSIDE.some((block) => isInCidr(address, block));
  outside.set(ip, answer);
  return answer;
}

/** The fact with other text in place of the text in it. */
export function withTexts(fact: Fact, change: (text: string) => string): Fact {
  return changed(fact, change) as Fact;
}

function changed(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => changed(item, change));
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  return Object.fromEntries(entries.map(([name, each]) => [name, name === 'kind' ? each : changed(each, change)]));
}
