import { ProtegoError, type IdentityForm } from '@protego/contracts';
import { type Identity } from './identity';
import { KeyIdMemory } from './key-id-memory';
import { KeyMemory } from './key-memory';
import type { MemoryImage } from './memory/memory-image';
import { KeyOwner, type TokenClass } from './key-owner';
import { NameIndex } from './name-index';
import { fillRandom } from './random-pool';
import {
  type LiveVaultSlot,
  type NewVaultSlot,
  VAULT_SLOT_KINDS,
  type VaultSlot,
  type VaultSlotKind,
} from './vault-slot';

export { KeyOwner } from './key-owner';

/** Where new keys and names go to become durable; returns the number of their slot. */
export type AppendSlot = (slot: NewVaultSlot) => number;

/** What is declared of a field that holds another name of a person. */
export interface AliasRule {
  /** Whether the name is looked for in texts. */
  readonly inText: boolean;
  /** `account`: whoever else is known by it is the same person. */
  readonly form: IdentityForm;
}

const NO_TOKENS: ReadonlySet<string> = new Set();
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
export const ALIASES_MAX = 256;

/** The keys that exist, by key id, by token and by name; and the ids of those that were destroyed. */
export class KeyRing {
  readonly #byKeyId = new Map<string, KeyOwner>();
  readonly #byToken = new Map<string, KeyOwner>();
  readonly #byAlias = new Map<string, Set<KeyOwner>>();
  readonly #destroyed = new Set<string>();
  readonly #names = new NameIndex<KeyOwner>();
  readonly #memory: KeyMemory;
  readonly #keyIds = new KeyIdMemory();
  /** Those of a person's other names that are declared accounts of the person. */
  readonly #accounts = new Map<KeyOwner, Set<string>>();
  #aliasesLeftOut = 0;

  /**
   * @param onFault told once when the memory of the keys was found altered, after all were wiped
   * @throws ProtegoError `GUARDED_MEMORY_FULL`
   */
  constructor(onFault?: () => void) {
    this.#memory = new KeyMemory(onFault);
  }

  /** Number of names of persons that were not kept because the person has too many. */
  get aliasesLeftOut(): number {
    return this.#aliasesLeftOut;
  }

  /** Number of keys that exist, by the class of their tokens. */
  get keyCounts(): Readonly<Record<TokenClass, number>> {
    const counts = { s: 0, p: 0, m: 0 };
    for (const { tokenClass } of this.#byKeyId.values()) counts[tokenClass]++;
    return counts;
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

  /** Tokens of the person's other names that are declared accounts of the person. */
  accountsOf(owner: KeyOwner): ReadonlySet<string> {
    return this.#accounts.get(owner) ?? NO_TOKENS;
  }

  /** Adds to `found` the persons whose names stand in a text. */
  searchNames(text: string, found: Set<KeyOwner>, together = 1): void {
    this.#names.search(text, found, together);
  }

  /** Persons who have such a name. */
  named(name: string): readonly KeyOwner[] {
    return this.#names.named(name);
  }

  /** The owner of an identity's key; makes the key when there is none. */
  ownerOf(tokenClass: TokenClass, identity: Identity, append: AppendSlot): KeyOwner {
    const { owner } = identity;
    if (owner?.isCurrent === true) return owner;
    return (identity.owner = this.#byToken.get(identity.token) ?? this.#makeKey(tokenClass, identity, append));
  }

  /** Notes another name of a person, so that it is found in texts and can be asked for. */
  addAlias(owner: KeyOwner, { token, text }: Identity, { inText, form }: AliasRule, append: AppendSlot): void {
    if (token === owner.token || owner.tokenClass === 'm') return;
    const isKnown = owner.aliasTokens.has(token);
    const isAccount = form === 'account';
    if (isKnown && (!isAccount || this.accountsOf(owner).has(token))) return;
    if (!isKnown && owner.aliasTokens.size >= ALIASES_MAX) {
      this.#aliasesLeftOut++;
      return;
    }
    const { keyId } = owner;
    const tokenBytes = Buffer.from(token.slice(3), 'base64url');
    const kind = ALIAS_KINDS[owner.tokenClass];
    const slot = { kind, keyId, tokenBytes, name: text, isInText: inText, isAccount };
    this.#addName(slot, append(slot));
  }

  /** A slot of the vault with a key, which is copied, or a name. */
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
    owner.isCurrent = false;
    this.#byKeyId.delete(id);
    if (this.#byToken.get(owner.token) === owner) this.#byToken.delete(owner.token);
    for (const token of owner.aliasTokens) this.#byAlias.get(token)?.delete(owner);
    this.#accounts.delete(owner);
    this.#names.remove(owner);
    owner.destroy();
  }

  /** Encrypts all keys: until one is used again, none is in memory as plaintext. */
  evict(): void {
    this.#memory.evict();
  }

  /** What can be seen of the keys' memory without its own keys. */
  get memoryImage(): MemoryImage {
    return this.#memory.image;
  }

  /** Wipes all keys. */
  close(): void {
    for (const owner of this.#byKeyId.values()) owner.isCurrent = false;
    this.#memory.close();
    this.#byKeyId.clear();
    this.#byToken.clear();
    this.#byAlias.clear();
    this.#accounts.clear();
  }

  #makeKey(tokenClass: TokenClass, { token, text }: Identity, append: AppendSlot): KeyOwner {
    const keyId = fillRandom(this.#keyIds.take());
    const owner = new KeyOwner(this.#memory, this.#memory.make(), keyId, tokenClass, token);
    const tokenBytes = Buffer.from(token.slice(3), 'base64url');
    const isInText = tokenClass !== 'm';
    const slot = { kind: KEY_KINDS[tokenClass], keyId, owner, tokenBytes, name: text, isInText };
    try {
      return this.#addOwner(owner, slot, append(slot));
    } catch (error) {
      owner.destroy();
      throw error;
    }
  }

  /** A key that was read from the vault moves into guarded memory here. */
  #addKey(slot: LiveVaultSlot, number: number): void {
    const tokenClass = CLASS_OF_KIND[slot.kind];
    if (tokenClass === undefined)
      throw new ProtegoError('LOG_KEYS_DAMAGED', `slot \`${number}\` of the vault is unknown`);
    const token = `~${tokenClass}.${slot.tokenBytes.toString('base64url')}`;
    const keyId = this.#keyIds.take();
    keyId.set(slot.keyId);
    this.#addOwner(new KeyOwner(this.#memory, this.#memory.put(slot.key), keyId, tokenClass, token), slot, number);
  }

  #addOwner(owner: KeyOwner, slot: VaultSlot, number: number): KeyOwner {
    const { token } = owner;
    owner.slots.push(number);
    const before = this.#byToken.get(token);
    if (before !== undefined) before.isCurrent = false;
    this.#byKeyId.set(owner.keyId.toString('latin1'), owner);
    this.#byToken.set(token, owner);
    if (owner.tokenClass !== 'm' && slot.isInText && slot.name !== undefined) this.#names.add(slot.name, owner);
    return owner;
  }

  #addName(slot: VaultSlot, number: number): void {
    const owner = this.#byKeyId.get(slot.keyId.toString('latin1'));
    if (owner === undefined || owner.slots.includes(number)) return;
    const token = `~${owner.tokenClass}.${slot.tokenBytes.toString('base64url')}`;
    owner.slots.push(number);
    owner.addAliasToken(token);
    const owners = this.#byAlias.get(token);
    if (owners === undefined) this.#byAlias.set(token, new Set([owner]));
    else owners.add(owner);
    if (slot.isInText && slot.name !== undefined) this.#names.add(slot.name, owner);
    if (slot.isAccount !== true) return;
    const accounts = this.#accounts.get(owner);
    if (accounts === undefined) this.#accounts.set(owner, new Set([token]));
    else accounts.add(token);
  }
}
