import type { LoggedEvent } from '@protego/contracts';
import { pseudonymiseWith, tellApartWith } from '../pseudonyms';
import { isInCidr, parseCidr, parseIpAddress, type CidrBlock } from '../sigma/cidr';
import { exchangeFactOf, exchangeWithPseudonyms, type ExchangeFact } from './exchange-facts';
import { deviceFact, memberOf, nameOf, type DeviceFact, type FactData as Data } from './fact-readers';
import { PEOPLE_READERS, peopleWithPseudonyms, type PeopleFact } from './people-facts';
import { RECORD_READERS, recordWithPseudonyms, type AccessFact } from './record-facts';
import { UPKEEP_READERS, type UpkeepFact } from './upkeep-facts';

export type { DeviceFact } from './fact-readers';
export type { AccessFact } from './record-facts';

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

/** A file that was changed. */
export type FileFact = {
  readonly kind: 'file';
  readonly device: string;
  /** Path, else name. */
  readonly file: string;
  /** Bits a byte. */
  readonly entropy: number;
  /** True of a file that was not there before. */
  readonly isNew: boolean;
};

/** What detectors need of one event; plain data, because it waits for its watermark in snapshots too. */
export type Fact = InventoryFact | FlowFact | AccessFact | FileFact | PeopleFact | UpkeepFact | ExchangeFact;

/** Reads what detectors need of an event; undefined where it says nothing to them. Persons stand in it in clear. */
export function readFact({ event: { type, data } }: LoggedEvent): Fact | undefined {
  return exchangeFactOf(type, data) ?? READERS.get(type)?.(data);
}

/** Free text that a fact rests on, by field name; none for most. */
export function textFieldsOf({ event: { type, data } }: LoggedEvent): readonly string[] {
  if (type !== 'device.file-changed') return [];
  return [memberOf(data, 'file')['path'] === undefined ? 'file.name' : 'file.path'];
}

const READERS: ReadonlyMap<string, (data: Data) => Fact | undefined> = new Map<
  string,
  (data: Data) => Fact | undefined
>([
  ['device.joined', inventoryFact],
  ['roster.device-assigned', inventoryFact],
  ['device.network-flow-observed', flowFact],
  ['device.network-log-recorded', zeekFlowFact],
  ['device.file-changed', fileFact],
  ['access.signed-in', signedInFact],
  ...RECORD_READERS,
  ...PEOPLE_READERS,
  ...UPKEEP_READERS,
]);

function portOf(value: unknown): number | null {
  return Number.isInteger(value) ? (value as number) : null;
}

function bytesOf(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

function inventoryFact(data: Data): InventoryFact | undefined {
  const device = deviceFact(data);
  return device === null ? undefined : { kind: 'inventory', device };
}

function flowFact(data: Data): FlowFact | undefined {
  const [source, target] = [memberOf(data, 'src_endpoint'), memberOf(data, 'dst_endpoint')];
  const device = memberOf(data, 'device');
  const fromAddress = nameOf(source, 'ip');
  const toAddress = nameOf(target, 'ip');
  // A connection may be filed under the device that was reached: then the other end opened it.
  const isReached = fromAddress !== toAddress && toAddress !== null && nameOf(device, 'ip') === toAddress;
  const opener = isReached ? nameOf(source, 'hostname') : nameOf(device, 'uid');
  const from = opener ?? fromAddress ?? nameOf(source, 'hostname');
  const to = nameOf(target, 'hostname') ?? toAddress;
  if (from === null || to === null) return undefined;
  return {
    kind: 'flow',
    from,
    fromAddress,
    deviceClass: isReached ? null : nameOf(device, 'type'),
    to,
    toAddress,
    toPort: portOf(target['port']),
    leavesHouse: leavesHouse(toAddress ?? to, nameOf(target, 'zone')),
    bytesOut: bytesOf(memberOf(data, 'traffic')['bytes_out']),
  };
}

// Zeek writes `id` flat or nested, depending on who ships its logs.
function zeekFlowFact(data: Data): FlowFact | undefined {
  if (data['_path'] !== 'conn') return undefined;
  const id = memberOf(data, 'id');
  const from = nameOf(data, 'id.orig_h') ?? nameOf(id, 'orig_h');
  const to = nameOf(data, 'id.resp_h') ?? nameOf(id, 'resp_h');
  if (from === null || to === null) return undefined;
  return {
    kind: 'flow',
    from,
    fromAddress: from,
    deviceClass: null,
    to,
    toAddress: to,
    toPort: portOf(data['id.resp_p'] ?? id['resp_p']),
    leavesHouse: leavesHouse(to, null),
    bytesOut: bytesOf(data['orig_bytes']),
  };
}

function signedInFact(data: Data): AccessFact | undefined {
  const user = memberOf(data, 'user');
  const person = nameOf(user, 'uid');
  if (person === null) return undefined;
  const place = { role: nameOf(user, 'role'), ward: nameOf(user, 'ward'), device: deviceFact(data) };
  return { kind: 'access', person, ...place, patient: null, record: null };
}

function fileFact(data: Data): FileFact | undefined {
  const device = nameOf(memberOf(data, 'device'), 'uid');
  const { path, name, entropy } = memberOf(data, 'file');
  const file = path ?? name ?? '';
  if (device === null || typeof file !== 'string' || typeof entropy !== 'number') return undefined;
  return { kind: 'file', device, file, entropy, isNew: data['activity'] === 'created' };
}

/** Addresses that are nobody's on the Internet: RFC 1918, 3879, 3927, 4193, 4291, 5771, 6598 and loopback. */
const INSIDE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8']
  .concat([
    '224.0.0.0/4',
    '255.255.255.255/32',
    '0.0.0.0/8',
    'fc00::/7',
    'fe80::/10',
    'fec0::/10',
    'ff00::/8',
    '::/127',
  ])
  .map((text) => parseCidr(text) as CidrBlock);

/** Addresses of IPv6 that end with one of IPv4 (RFC 4291, section 2.5.5; RFC 6052). */
const WITH_IPV4 = ['::ffff:0:0/96', '::/96', '64:ff9b::/96'].map((text) => parseCidr(text) as CidrBlock);

/** Endings of host names that stand for no host of the Internet (RFC 6761, 6762, 3172, and `.internal` of ICANN). */
const INSIDE_NAME = /(?:^[^.]*|\.(?:local|localhost|internal|lan|arpa|test|invalid))$/i;

/** Zones that `dst_endpoint.zone` calls the world outside. */
const OUTSIDE_ZONE = /^(?:internet|external|outside|wan|public)$/i;

function leavesHouse(to: string, zone: string | null): boolean {
  return zone === null ? isOutside(to) : OUTSIDE_ZONE.test(zone);
}

/** The same few addresses and names come again and again; this is what was found out about them. */
const outside = new Map<string, boolean>();
const OUTSIDE_KNOWN_MAX = 4_096;

function isOutside(to: string): boolean {
  const known = outside.get(to);
  if (known !== undefined) return known;
  if (outside.size >= OUTSIDE_KNOWN_MAX) outside.clear();
  const address = parseIpAddress(to);
  const answer = address === undefined ? !INSIDE_NAME.test(to.replace(/\.$/, '')) : isAddressOutside(address);
  outside.set(to, answer);
  return answer;
}

function isAddressOutside(address: readonly number[]): boolean {
  if (INSIDE.some((block) => isInCidr(address, block))) return false;
  return !WITH_IPV4.some((block) => isInCidr(address, block)) || isAddressOutside(address.slice(12));
}

/**
 * The fact with pseudonyms in place of persons, and of their names in free text. All else is from open fields: what is decided
 * by it must not hang on who else is named in the event.
 */
export function withPseudonyms(fact: Fact, pseudonyms: ReadonlyMap<string, string>): Fact {
  const pseudonymise = pseudonymiseWith(pseudonyms);
  if (fact.kind === 'access') {
    const { person, patient, record } = fact;
    const named = { person: pseudonymise(person), patient: patient === null ? null : pseudonymise(patient) };
    return { ...fact, ...named, record: record === null ? null : recordWithPseudonyms(record, pseudonymise) };
  }
  if (fact.kind === 'people') return peopleWithPseudonyms(fact, pseudonymise);
  if (fact.kind === 'file') return { ...fact, file: tellApartWith(pseudonyms, pseudonymise)(fact.file) };
  return exchangeWithPseudonyms(fact, pseudonymise) ?? fact;
}
