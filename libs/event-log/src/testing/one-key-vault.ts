import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { canonicalJson, type EventSeq, type OpenedEvent, type ProtegoEvent } from '@protego/contracts';
import {
  NameSearch,
  SLOT_KINDS,
  type Admission,
  type OpenedFields,
  type PersonRef,
  type PersonalDataVault,
  type SealedEvent,
  type Sealing,
  type SlotKey,
  type StoredFields,
} from '@protego/enclave';
import { sealedOf } from '@protego/enclave/testing';
import type { LogRecordInput } from '../log-record';

/**
 * A vault for tests of what is around it: it seals `data.user.name` of an event under a key of `data.user.uid` in the
 * documented form of sealed fields, and knows nothing else.
 */
export class OneKeyVault implements PersonalDataVault {
  readonly people = new Map<string, { readonly keyId: Buffer; readonly key: Buffer; name: string }>();

  async admit(): Promise<Admission[]> {
    throw new Error('not needed');
  }

  async seal(events: readonly ProtegoEvent[]): Promise<Sealing[]> {
    return events.map((event) => ({ kind: 'sealed', sealed: this.sealEvent(event) }));
  }

  private sealEvent(event: ProtegoEvent): SealedEvent {
    const user = event.data['user'] as { uid?: string; name?: string } | undefined;
    if (user?.uid === undefined) return this.sealed(event, Buffer.alloc(0));
    const person = this.personOf(user.uid, user.name ?? user.uid);
    const token = tokenOf(user.uid);
    const stored = { ...event, data: { ...event.data, user: { ...user, uid: token, name: token } } };
    const fields = canonicalJson([
      ['/data/user/uid', user.uid],
      ['/data/user/name', user.name],
    ]);
    return this.sealed(stored, sealOne(person.keyId, person.key, fields));
  }

  async flush(): Promise<void> {
    // Nothing is on a disk.
  }

  openForPipeline(records: readonly StoredFields[]): Promise<OpenedEvent[]> {
    return this.reveal(records);
  }

  async openFieldsForPipeline(sealed: readonly Uint8Array[]): Promise<OpenedFields[]> {
    return sealed.map((each) => {
      const [slotKey] = this.keysOf(each);
      if (slotKey === undefined) return { isAllOpen: each.length === 0, fields: [] };
      return { isAllOpen: true, fields: [[SLOT_KINDS.staff, openOne(Buffer.from(each), slotKey.key)]] };
    });
  }

  async reveal(records: readonly StoredFields[]): Promise<OpenedEvent[]> {
    return records.map(({ event, sealed }) => this.revealEvent(event, sealed));
  }

  private revealEvent(event: ProtegoEvent, sealed: Uint8Array): OpenedEvent {
    const opened = structuredClone(event);
    const [slotKey] = this.keysOf(sealed);
    if (sealed.length === 0) return { event, pseudonyms: new Map(), erased: [] };
    if (slotKey === undefined) return { event, pseudonyms: new Map(), erased: ['/data/user'] };
    for (const [pointer, value] of openOne(Buffer.from(sealed), slotKey.key)) {
      (opened.data['user'] as Record<string, unknown>)[pointer.split('/').at(-1) as string] = value;
    }
    return { event: opened, pseudonyms: new Map(), erased: [] };
  }

  async slotKeys(sealed: readonly Uint8Array[]): Promise<SlotKey[][]> {
    return sealed.map((each) => this.keysOf(each));
  }

  private keysOf(sealed: Uint8Array): SlotKey[] {
    if (sealed.length === 0) return [];
    const bytes = Buffer.from(sealed);
    const keyId = bytes.subarray(22, 38);
    for (const person of this.people.values()) {
      if (person.keyId.equals(keyId)) return [{ slot: 0, key: slotKeyOf(person.key, bytes.subarray(1, 17)) }];
    }
    return [];
  }

  async sealText(): Promise<Buffer> {
    throw new Error('not needed');
  }

  async openText(): Promise<Buffer | undefined> {
    throw new Error('not needed');
  }

  async eventsNaming(records: readonly StoredFields[], names: readonly string[]): Promise<boolean[]> {
    const search = new NameSearch(names);
    return records.map(({ event, sealed }) => search.isInValue(this.revealEvent(event, sealed).event));
  }

  async textsNaming(): Promise<boolean[]> {
    throw new Error('not needed');
  }

  async namesBehind(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[]> {
    const users = records.map(({ event, sealed }) => [event, this.revealEvent(event, sealed).event].map(userOf));
    return users.flatMap(([stored = {}, opened = {}]) =>
      Object.entries(stored).flatMap(([field, token]) =>
        tokens.includes(token) && opened[field] !== token ? [opened[field] as string] : [],
      ),
    );
  }

  async hiddenTokens(records: readonly StoredFields[], tokens: readonly string[]): Promise<string[][]> {
    const users = records.map(({ event, sealed }) => userOf(this.revealEvent(event, sealed).event));
    return users.map((user) => tokens.filter((token) => Object.values(user).includes(token)));
  }

  async find(subject: string): Promise<PersonRef | undefined> {
    const found = [...this.people].find(([uid, { name }]) => [uid, name, tokenOf(uid)].includes(subject));
    return found && { token: tokenOf(found[0]), keyIds: [found[1].keyId.toString('hex')], aliases: [], shared: [] };
  }

  async tokensOf(subject: string): Promise<string[]> {
    const found = [...this.people].find(([uid, { name }]) => [uid, name, tokenOf(uid)].includes(subject));
    return [tokenOf(found?.[0] ?? subject)];
  }

  async namesakesOf(names: readonly string[]): Promise<string[]> {
    return [...this.people].filter(([, { name }]) => names.includes(name)).map(([uid]) => tokenOf(uid));
  }

  async destroy(keyIds: readonly string[]): Promise<number> {
    const gone = [...this.people].filter(([, { keyId }]) => keyIds.includes(keyId.toString('hex')));
    for (const [uid] of gone) this.people.delete(uid);
    return gone.length;
  }

  async close(): Promise<void> {
    this.people.clear();
  }

  private personOf(uid: string, name: string): { keyId: Buffer; key: Buffer } {
    const known = this.people.get(uid) ?? { keyId: randomBytes(16), key: randomBytes(32), name };
    this.people.set(uid, known);
    return known;
  }

  private sealed(event: ProtegoEvent, sealed: Buffer): SealedEvent {
    const user = event.data['user'] as { uid: string } | undefined;
    const device = event.data['device'] as { uid: string } | undefined;
    const subjects = [device?.uid, user?.uid].filter((name) => name !== undefined);
    const body = Buffer.from(canonicalJson(event));
    const contentHash = Buffer.alloc(8);
    return { body, sealed, subjects, contentHash, clear: [], pseudonyms: new Map(), pipelineEvent: event };
  }
}

/** A record as an engine would append it. */
export async function sealedRecord(
  vault: PersonalDataVault,
  event: ProtegoEvent,
  timeMs: number,
): Promise<LogRecordInput> {
  const { body, sealed, subjects } = await sealedOf(vault, event);
  return { body, sealed, subjects, type: event.type, timeMs, arrivedAtMs: timeMs, recordedAtMs: timeMs };
}

/** A sign-in of a person on a device. */
export function signInOf(uid: string, name: string, seq: number, more: Record<string, unknown> = {}): ProtegoEvent {
  return {
    specversion: '1.0',
    id: `sign-in-${seq as EventSeq}`,
    source: 'directory',
    type: 'access.signed-in',
    time: '2026-01-05T08:00:00Z',
    site: 'general-hospital',
    data: { user: { uid, name }, device: { uid: `pc-${seq % 7}` }, ...more },
  };
}

function userOf({ data }: ProtegoEvent): Record<string, string> {
  return (data['user'] ?? {}) as Record<string, string>;
}

function tokenOf(uid: string): string {
  return uid.startsWith('~s.') ? uid : `~s.${createHash('md5').update(uid).digest('base64url')}`;
}

function slotKeyOf(key: Buffer, salt: Buffer): Buffer {
  return createHmac('sha256', key).update(salt).digest();
}

function sealOne(keyId: Buffer, key: Buffer, fields: string): Buffer {
  const salt = randomBytes(16);
  const slotKey = slotKeyOf(key, salt);
  const plain = Buffer.from(fields.padEnd(fields.length + ((16 - (Buffer.byteLength(fields) % 16)) % 16)));
  const head = Buffer.concat([Buffer.of(1), salt, Buffer.of(0, 1), Buffer.of(1, 0, 1), keyId]);
  const cipher = createCipheriv('chacha20-poly1305', slotKey, Buffer.alloc(12), { authTagLength: 16 });
  cipher.setAAD(boundOf(salt), { plaintextLength: plain.length });
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(ciphertext.length);
  const commitment = createHash('sha256').update('protego/commit/1').update(slotKey).digest();
  return Buffer.concat([head, commitment, length, ciphertext]);
}

function openOne(sealed: Buffer, slotKey: Buffer): [string, unknown][] {
  const ciphertext = sealed.subarray(38 + 36);
  const cipher = createDecipheriv('chacha20-poly1305', slotKey, Buffer.alloc(12), { authTagLength: 16 });
  cipher.setAAD(boundOf(sealed.subarray(1, 17)), { plaintextLength: ciphertext.length - 16 });
  cipher.setAuthTag(ciphertext.subarray(-16));
  const plain = Buffer.concat([cipher.update(ciphertext.subarray(0, -16)), cipher.final()]);
  return JSON.parse(plain.toString('utf8')) as [string, unknown][];
}

function boundOf(salt: Buffer): Buffer {
  return Buffer.concat([Buffer.of(1), salt, Buffer.of(0, 0, 1)]);
}
