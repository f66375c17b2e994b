/** A block of addresses: the bytes of its network address and how many leading bits count. */
export interface CidrBlock {
  readonly bytes: readonly number[];
  readonly prefixBits: number;
}

/** Bytes of an IPv4 address (4) or IPv6 address (16, RFC 4291; a zone after `%` is ignored); undefined for other text. */
export function parseIpAddress(text: string): number[] | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** A block such as `10.0.0.0/8` or `fe80::/10`; a bare address is a block of one. Undefined for other text. */
export function parseCidr(text: string): CidrBlock | undefined {
  const slash = text.indexOf('/');
  const bytes = parseIpAddress(slash < 0 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  if (slash < 0) return { bytes, prefixBits: bytes.length * 8 };
  const prefix = text.slice(slash + 1);
  const prefixBits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  return prefixBits <= bytes.length * 8 ? { bytes, prefixBits } : undefined;
}

/** True when the address lies in the block; never across address families. */
export function isInCidr(address: readonly number[], block: CidrBlock): boolean {
  if (address.length !== block.bytes.length) return false;
  for (let at = 0, bits = block.prefixBits; bits > 0; at++, bits -= 8) {
    const mask = bits >= 8 ? 0xff : (0xff << (8 - bits)) & 0xff;
    if (((address[at] ?? 0) & mask) !== ((block.bytes[at] ?? 0) & mask)) return false;
  }
  return true;
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.', 5);
  if (parts.length !== 4) return undefined;
  // A leading zero would be octal to some readers, so such text is no address here (RFC 6943, section 3.1.1).
  const isByte = (part: string): boolean => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256;
  return parts.every(isByte) ? parts.map(Number) : undefined;
}

const IPV6_LENGTH_MAX = 64;

function parseIpv6(text: string): number[] | undefined {
  if (text.length > IPV6_LENGTH_MAX) return undefined;
  const [address = ''] = text.split('%', 1);
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => groupsOf(half));
  const [left, right] = groups;
  if (left === undefined || groups.includes(undefined)) return undefined;
  if (right === undefined) return left.length === 16 ? left : undefined;
  const gap = 16 - left.length - right.length;
  return gap >= 2 ? [...left, ...new Array<number>(gap).fill(0), ...right] : undefined;
}

function groupsOf(half: string): number[] | undefined {
  if (half === '') return [];
  const bytes: number[] = [];
  const groups = half.split(':');
  for (const [index, group] of groups.entries()) {
    const isLast = index === groups.length - 1;
    const embedded = isLast && group.includes('.') ? parseIpv4(group) : undefined;
    if (embedded !== undefined) bytes.push(...embedded);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
