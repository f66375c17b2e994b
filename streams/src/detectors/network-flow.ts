import type { LoggedEvent } from '@protego/contracts';
import { isInCidr, parseCidr, parseIpAddress, type CidrBlock } from '../sigma/cidr';

/** A connection as detectors see it. */
export type NetworkFlow = {
  /** Device that opened it: its id, else its address. */
  readonly from: string;
  /** Address that it came from. */
  readonly fromAddress?: string;
  /** Class of that device, where the event says it. */
  readonly deviceClass?: string;
  /** Host name of the other side, else its address. */
  readonly to: string;
  readonly toAddress?: string;
  readonly toPort?: number;
  /** True when the other side is not in the hospital. */
  readonly leavesHouse: boolean;
  /** Bytes that the opening side sent. */
  readonly bytesOut?: number;
};

/** Types of events that say something of connections. */
export const FLOW_TYPES = ['device.network-flow-observed', 'device.network-log-recorded'] as const;

/** Addresses that are nobody's on the Internet: RFC 1918, 4193, 6598, 3927, 4291, 5771 and loopback. */
const INSIDE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8']
  .concat(['224.0.0.0/4', '255.255.255.255/32', '0.0.0.0/8', 'fc00::/7', 'fe80::/10', 'ff00::/8', '::/127'])
  .map((text) => parseCidr(text) as CidrBlock);

/** Endings of host names that stand for no host of the Internet (RFC 6761, 6762, 8375, and `.internal` of ICANN). */
const INSIDE_NAME = /(?:^[^.]*|\.(?:local|localhost|internal|lan|home\.arpa|test|invalid))$/i;

/** Zones that `src_endpoint.zone` and `dst_endpoint.zone` call the world outside. */
const OUTSIDE_ZONE = /^(?:internet|external|outside|wan|public)$/i;

/** The connection that an event tells of; undefined for other events. */
export function readFlow({ event: { type, data } }: LoggedEvent): NetworkFlow | undefined {
  return type === 'device.network-flow-observed' ? fromOcsf(data as unknown as OcsfFlow) : fromZeek(data);
}

interface Endpoint {
  readonly ip?: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly zone?: string;
}

interface OcsfFlow {
  readonly device?: { readonly uid: string; readonly type?: string };
  readonly src_endpoint: Endpoint;
  readonly dst_endpoint: Endpoint;
  readonly traffic?: { readonly bytes_out?: number };
}

function fromOcsf({ device, src_endpoint: source, dst_endpoint: target, traffic }: OcsfFlow): NetworkFlow | undefined {
  const from = device?.uid ?? source.ip ?? source.hostname;
  const to = target.hostname ?? target.ip;
  if (from === undefined || to === undefined) return undefined;
  return {
    from,
    ...(source.ip === undefined ? {} : { fromAddress: source.ip }),
    ...(device?.type === undefined ? {} : { deviceClass: device.type }),
    to,
    ...(target.ip === undefined ? {} : { toAddress: target.ip }),
    ...(target.port === undefined ? {} : { toPort: target.port }),
    leavesHouse: leavesHouse(target),
    ...(traffic?.bytes_out === undefined ? {} : { bytesOut: traffic.bytes_out }),
  };
}

// Zeek writes `id` flat or nested, depending on who ships its logs.
function fromZeek(data: Readonly<Record<string, unknown>>): NetworkFlow | undefined {
  if (data['_path'] !== 'conn') return undefined;
  const id = (data['id'] ?? {}) as Readonly<Record<string, unknown>>;
  const from = data['id.orig_h'] ?? id['orig_h'];
  const to = data['id.resp_h'] ?? id['resp_h'];
  const toPort = data['id.resp_p'] ?? id['resp_p'];
  const bytesOut = data['orig_bytes'];
  if (typeof from !== 'string' || typeof to !== 'string') return undefined;
  return {
    from,
    fromAddress: from,
    to,
    toAddress: to,
    ...(typeof toPort === 'number' ? { toPort } : {}),
    leavesHouse: leavesHouse({ ip: to }),
    ...(typeof bytesOut === 'number' && Number.isSafeInteger(bytesOut) && bytesOut >= 0 ? { bytesOut } : {}),
  };
}

function leavesHouse({ ip, hostname, zone }: Endpoint): boolean {
  if (zone !== undefined) return OUTSIDE_ZONE.test(zone);
  if (ip === undefined) return hostname !== undefined && !INSIDE_NAME.test(hostname);
  const address = parseIpAddress(ip);
  return address !== undefined && !INSIDE.some((block) => isInCidr(address, block));
}
