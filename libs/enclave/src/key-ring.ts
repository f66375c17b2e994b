import { ProtegoError } from '@protego/contracts';
import { type Identity, type TokenClass } from './identity';
import { NameIndex } from './name-index';
import { fillRandom } from './random-pool';
import { KEY_BYTES, KEY_ID_BYTES } from './sealed-part';
import { blake2b } from './sodium';
import { type LiveVaultSlot, VAULT_SLOT_KINDS, type VaultSlotKind } from './vault-slot';

/** A key and whom, or which source and month, it belongs to. */
export interface KeyOwner {
  /** 16 bytes. */
  readonly keyId: Buffer;
  /** 32 bytes; zeros once it was destroyed. */
  readonly key: Buffer;
  /** 32 bytes that enter the content hashes of what the key seals, and go with it. */
  readonly contentSecret: Buffer;
  readonly tokenClass: TokenClass;
  readonly token: string;
  /** Tokens of other names of the person. */
  readonly aliasTokens: Set<string>;
  /** Slots of the vault that hold the key and the names. */
  readonly slots: number[];
}

/** Where new keys and names go to become durable; returns the number of their slot. */
export type AppendSlot = (slot: LiveVaultSlot) => number;

const CONTENT = Buffer.from('protego/content/1', 'latin1');
const KEY_KINDS = { s: VAULT_SLOT_KINDS.staff, p: VAULT_SLOT_KINDS.patient, m: VAULT_SLOT_KINDS.month };
const ALIAS_KINDS = { s: VAULT_SLOT_KINDS.staffAlias, p: VAULT_SLOT_KINDS.patientAlias };
const CLASS_OF_KIND: Readonly<Partial<Record<VaultSlotKind, TokenClass>>> = {
  [VAULT_SLOT_KINDS.staff]: 's',
  [VAULT_SLOT_KINDS.patient]: 'p',
  [VAULT_SLOT_KINDS.month]: 'm',
  [VAULT_SLOT_KINDS.staffAlias]: 's',
  [VAULT_SLOT_KINDS.patientAlias]: 'p',
};
/** Other names of one person that are kept; more are sealed under the person's key all the same, and not looked for. */
const ALIASES_MAX = 32;

/** The keys that exist, by key id, by token and by name; and the ids of those that were destroyed. */
export class KeyRing {
  readonly #byKeyId = new Map<string, KeyOwner>();
  readonly #byToken = new Map<string, KeyOwner>();
  readonly #byAlias = new Map<string, Set<KeyOwner>>();
  readonly #destroyed = new Set<string>();
  readonly #names = new NameIndex<KeyOwner>();
  #aliasesLeftOut = 0;

  /** Number of names of persons that were not kept because the person has too many. */
  get aliasesLeftOut(): number {
    return this.#aliasesLeftOut;
  }

  /** True once the key was destroyed, here or by another process. */
  isDestroyed(keyId: Buffer): boolean {
    return this.#destroyed.has(keyId.toString('latin1'));
  }

  byKeyId(keyId: Buffer): KeyOwner | undefined {
    return this.#byKeyId.get(keyId.toString('latin1'));
  }

  byToken(token: string): KeyOwner | undefined {
    return this.#byToken.get(token);
  }

  /** Persons one of whose other names has this token. */
  byAlias(token: string): readonly KeyOwner[] {
    return [...(this.#byAlias.get(token) ?? [])];
  }

  /** Adds to `found` the persons whose names stand in a text. */
  searchNames(text: string, found: Set<KeyOwner>): void {
    this.#names.search(text, found);
  }

  /** Persons who have such a name. */
  named(name: string): readonly KeyOwner[] {
    return this.#names.named(name);
  }

  /** The owner of an identity's key; makes the key when there is none. */
  ownerOf(tokenClass: TokenClass, { token, text }: Identity, append: AppendSlot): KeyOwner {
    const known = this.#byToken.get(token);
    if (known !== undefined) return known;
    const keyId = fillRandom(Buffer.alloc(KEY_ID_BYTES));
    const key = fillRandom(Buffer.alloc(KEY_BYTES));
    const tokenBytes = Buffer.from(token.slice(3), 'base64url');
    const isInText = tokenClass !== 'm';
    const slot = { kind: KEY_KINDS[tokenClass], keyId, key, tokenBytes, name: text, isInText };
    return this.#addKey(slot, append(slot));
  }

  /** Notes another name of a person, so that it is found in texts and can be asked for. */
  addAlias(owner: KeyOwner, { token, text }: Identity, isInText: boolean, append: AppendSlot): void {
    if (token === owner.token || owner.aliasTokens.has(token) || owner.tokenClass === 'm') return;
    if (owner.aliasTokens.size >= ALIASES_MAX) {
      this.#aliasesLeftOut++;
      return;
    }
    const { keyId } = owner;
    const tokenBytes = Buffer.from(token.slice(3), 'base64url');
    const kind = ALIAS_KINDS[owner.tokenClass];
    const slot = { kind, keyId, key: Buffer.alloc(KEY_BYTES), tokenBytes, name: text, isInText };
    this.#addName(slot, append(slot));
  }

  /** A slot of the vault with a key or a name. */
  onLive(slot: LiveVaultSlot, number: number): void {
    const isAlias = slot.kind === VAULT_SLOT_KINDS.staffAlias || slot.kind === VAULT_SLOT_KINDS.patientAlias;
    if (isAlias) this.#addName(slot, number);
    else if (!this.#byKeyId.has(slot.keyId.toString('latin1'))) this.#addKey(slot, number);
  }

  /** Forgets a key and all names of its person. */
  onDestroyed(keyId: Buffer): void {
    const id = keyId.toString('latin1');
    this.#destroyed.add(id);
    const owner = this.#byKeyId.get(id);
    if (owner === undefined) return;
    this.#byKeyId.delete(id);
    if (this.#byToken.get(owner.token) === owner) this.#byToken.delete(owner.token);
    for (const token of owner.aliasTokens) this.#byAlias.get(token)?.delete(owner);
    this.#names.remove(owner);
    wipe(owner);
  }

  /** Wipes all keys. */
  close(): void {
    for (const owner of this.#byKeyId.values()) wipe(owner);
    this.#byKeyId.clear();
    this.#byToken.clear();
    this.#byAlias.clear();
  }

  #addKey(slot: LiveVaultSlot, number: number): KeyOwner {
    const tokenClass = CLASS_OF_KIND[slot.kind];
    if (tokenClass === undefined)
      throw new ProtegoError('LOG_KEYS_DAMAGED', `slot \`${number}\` of the vault is unknown`);
    const contentSecret = Buffer.alloc(KEY_BYTES);
    blake2b(contentSecret, CONTENT, slot.key);
    const owner: KeyOwner = {
      keyId: slot.keyId,
      key: slot.key,
      contentSecret,
      tokenClass,
      token: `~${tokenClass}.${slot.tokenBytes.toString('base64url')}`,
      aliasTokens: new Set(),
      slots: [number],
    };
    this.#byKeyId.set(slot.keyId.toString('latin1'), owner);
    this.#byToken.set(owner.token, owner);
    if (tokenClass !== 'm' && slot.isInText && slot.name !== undefined) this.#names.add(slot.name, owner);
    return owner;
  }

  #addName(slot: LiveVaultSlot, number: number): void {
    const owner = this.#byKeyId.get(slot.keyId.toString('latin1'));
    if (owner === undefined || owner.slots.includes(number)) return;
    const token = `~${owner.tokenClass}.${slot.tokenBytes.toString('base64url')}`;
    owner.slots.push(number);
    owner.aliasTokens.add(token);
    const owners = this.#byAlias.get(token);
    if (owners === undefined) this.#byAlias.set(token, new Set([owner]));
    else owners.add(owner);
    if (slot.isInText && slot.name !== undefined) this.#names.add(slot.name, owner);
  }
}

function wipe(owner: KeyOwner): void {
  owner.key.fill(0);
  owner.contentSecret.fill(0);
}
