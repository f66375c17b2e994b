import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openHouseKeys, openSlot, readSealedPart, type SlotKey } from '@protego/enclave';
import { openVaultBytes, recordKeyOf } from '@protego/enclave/testing';
import { EventLogReader } from '@protego/event-log';
import { storedBlocks } from './stored-messages';

/** Something that an attacker holds: a file as it is, or what a key opened in it. */
export interface Finding {
  /** Path, and how it was opened. */
  readonly where: string;
  readonly bytes: Buffer;
}

/** Keys by their id in hex. */
type Keys = ReadonlyMap<string, Buffer>;

/**
 * Everything that can be got out of directories by whoever has all files in them and every key in these files: the files as
 * bytes; the blocks of the streams of nats-server; the vaults and copies of vaults; the records of the logs; and whatever
 * is sealed in records, refused messages and refused lines of imports, opened with the keys of those vaults.
 */
export async function openEverything(directories: readonly string[]): Promise<Finding[]> {
  const paths = directories.flatMap((directory) => filesUnder(directory));
  const files = paths.map((path) => ({ where: path, bytes: readFileSync(path) }));
  const secrets = paths.filter((path) => path.endsWith('root.secret')).map((path) => readFileSync(path));
  const slots = files
    .filter(({ where }) => /vault[^/]*$/.test(where))
    .flatMap(({ where, bytes }) =>
      secrets.flatMap((root) => openVaultBytes(bytes, root).map((slot) => ({ where, ...slot }))),
    );
  // Another name of a person is kept without the key.
  const withKeys = slots.filter(({ key }) => key.some((byte) => byte !== 0));
  const keys: Keys = new Map(withKeys.map(({ keyId, key }) => [keyId.toString('hex'), key]));
  const fromVaults = slots.map(({ where, key, name }) => ({
    where: `${where} opened`,
    bytes: Buffer.concat([key, Buffer.from(` ${name ?? ''}`)]),
  }));
  const blocks = paths
    .filter((path) => path.endsWith('jetstream.key'))
    .flatMap((path) => storedBlocks(dirname(path)))
    .map(({ path, bytes }) => ({ where: `${path} opened`, bytes }));
  const logs = paths.filter((path) => path.endsWith('log.json') && existsSync(join(dirname(path), 'keys/root.secret')));
  const records = (await Promise.all(logs.map((path) => recordsOf(dirname(path), keys)))).flat();
  const texts = [...files, ...blocks].flatMap((finding) => sealedTextsIn(finding, keys));
  return [...files, ...fromVaults, ...blocks, ...records, ...texts];
}

/** All files under a directory. */
export function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());
}

async function recordsOf(directory: string, keys: Keys): Promise<Finding[]> {
  const house = await openHouseKeys({ directory: join(directory, 'keys'), mode: 'read' });
  try {
    const reader = await EventLogReader.open({ directory, keys: house.keys });
    const findings: Finding[] = [];
    for (const { seq, leaf, sealed } of reader.records()) {
      const where = `${directory} record ${seq}`;
      findings.push({ where, bytes: Buffer.from(leaf) });
      if (sealed.length > 0)
        findings.push(...slotsOf(sealed, keys).map((bytes) => ({ where: `${where} opened`, bytes })));
    }
    return findings;
  } finally {
    await house.close();
  }
}

/** Record keys and plaintexts of the slots that the keys open. */
function slotsOf(sealed: Uint8Array, keys: Keys): Buffer[] {
  const part = readSealedPart(sealed);
  return part.slots.flatMap((slot) => {
    const owners = slot.keyIds.flatMap((keyId) => keys.get(keyId.toString('hex')) ?? []);
    if (owners.length < slot.keyIds.length) return [];
    const recordKey = recordKeyOf(
      part.salt,
      slot.slot,
      owners.map((key) => ({ key })),
    );
    return [recordKey, openSlot(part, slot, recordKey) ?? Buffer.alloc(0)];
  });
}

/** What is sealed within other bytes: whole, in Base64 between quotes, or in Base64 in a header. */
function sealedTextsIn({ where, bytes }: Finding, keys: Keys): Finding[] {
  const found: Finding[] = [];
  const text = bytes.toString('latin1');
  for (const { index, 0: encoded } of text.matchAll(/[A-Za-z0-9+/]{80,}={0,2}/g)) {
    found.push(...opened(Buffer.from(encoded, 'base64'), `${where} at ${index}`, keys));
  }
  // A sealed part begins with its version, 16 random bytes, and the number of its slots.
  for (let at = text.indexOf('\x01'); at >= 0; at = text.indexOf('\x01', at + 1)) {
    if (bytes.length < at + 26 || bytes.readUInt16BE(at + 17) !== 1 || bytes[at + 19] !== 4) continue;
    const keyCount = bytes.readUInt16BE(at + 20);
    const lengthAt = at + 22 + keyCount * 16 + 32;
    if (keyCount === 0 || lengthAt + 4 > bytes.length) continue;
    found.push(...opened(bytes.subarray(at, lengthAt + 4 + bytes.readUInt32BE(lengthAt)), `${where} at ${at}`, keys));
  }
  return found;
}

function opened(sealed: Buffer, where: string, keys: Keys): Finding[] {
  try {
    return slotsOf(sealed, keys).map((bytes) => ({ where: `${where} unsealed`, bytes }));
  } catch {
    // It only looked like a sealed part.
    return [];
  }
}

/** Of the keys of a sealed part, those of the slots that need one of the persons' keys. */
export function slotKeysNaming(sealed: Uint8Array, keyIds: readonly Buffer[], keys: readonly SlotKey[]): Buffer[] {
  const { slots } = readSealedPart(sealed);
  return keys.flatMap(({ slot, key }) =>
    slots[slot]?.keyIds.some((keyId) => keyIds.some((each) => each.equals(keyId))) === true ? [key] : [],
  );
}

/** Bytes to look for, each with what they are. */
export interface Needle {
  readonly what: string;
  readonly bytes: Buffer;
  /** Whether bytes of upper and lower case count as the same. */
  readonly ignoresCase: boolean;
}

/** Every way in which a name may stand in bytes: UTF-8 and UTF-16 in any case, hexadecimal, and Base64 at its three alignments. */
export function spellingsOf(name: string): Needle[] {
  const cases = [...new Set([name, name.toLowerCase(), name.toUpperCase()])];
  const utf16 = Buffer.from(name.toLowerCase(), 'utf16le');
  return [
    { what: `${name} in UTF-8`, bytes: Buffer.from(name.toLowerCase()), ignoresCase: true },
    { what: `${name} in UTF-16LE`, bytes: utf16, ignoresCase: true },
    { what: `${name} in UTF-16BE`, bytes: Buffer.from(utf16).swap16(), ignoresCase: true },
    ...cases.flatMap((each) =>
      [Buffer.from(each), Buffer.from(each, 'utf16le')].flatMap((bytes) => encodingsOf(name, bytes)),
    ),
  ];
}

/** A key as it is, in hexadecimal, and in Base64. */
export function spellingsOfKey(what: string, key: Buffer): Needle[] {
  return [{ what, bytes: key, ignoresCase: false }, ...encodingsOf(what, key)];
}

function encodingsOf(what: string, bytes: Buffer): Needle[] {
  const hex = { what: `${what} in hex`, bytes: Buffer.from(bytes.toString('hex')), ignoresCase: true };
  const base64 = [0, 1, 2].flatMap((shift) =>
    (['base64', 'base64url'] as const).map((encoding) => {
      const text = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(encoding)
        .replace(/=+$/, '');
      // Characters that hold bits of what stands before or after the name may be any.
      const from = Math.ceil((shift * 8) / 6);
      const to = Math.floor(((shift + bytes.length) * 8) / 6);
      return {
        what: `${what} in ${encoding} + ${shift}`,
        bytes: Buffer.from(text.slice(from, to)),
        ignoresCase: false,
      };
    }),
  );
  return [hex, ...base64];
}

/** Places where one of the needles stands, as `where: what`; each place and needle once. */
export function search(findings: readonly Finding[], needles: readonly Needle[]): string[] {
  const hits = new Set<string>();
  for (const { where, bytes } of findings) {
    const text = bytes.toString('latin1');
    const lower = text.toLowerCase();
    for (const { what, bytes: needle, ignoresCase } of needles) {
      if ((ignoresCase ? lower : text).includes(needle.toString('latin1'))) hits.add(`${where}: ${what}`);
    }
  }
  return [...hits];
}
