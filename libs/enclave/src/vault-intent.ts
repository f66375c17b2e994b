import { ProtegoError } from '@protego/contracts';
import { KEY_ID_BYTES } from './sealed-part';
import { formatVaultRecord, parseVaultRecord } from './vault-record';
import { type VaultAnchor } from './vault-mark';
import { type DecodedVaultSlot } from './vault-slot';

/** File of the key directory that says which keys are being destroyed. */
export const VAULT_INTENT_FILE = 'vault.destroying';

const PURPOSE = 'vault-intent/1';
const FORMAT = 2;
const KEY_ID = new RegExp(`^[0-9a-f]{${2 * KEY_ID_BYTES}}$`);

/** Keys that are being destroyed: their slots by key id in hex. */
type IntendedKeys = ReadonlyMap<string, readonly number[]>;

/**
 * Bytes of `vault.destroying`.
 *
 * @param slots numbers of the slots of each key id
 * @param anchor of the file whose slots they are
 * @param vaultKey 32 bytes
 */
export function formatVaultIntent(
  slots: ReadonlyMap<Buffer, readonly number[]>,
  anchor: VaultAnchor,
  vaultKey: Buffer,
): Buffer {
  const keys = [...slots].map(([keyId, numbers]) => [keyId.toString('hex'), numbers]);
  return formatVaultRecord(PURPOSE, { format: FORMAT, vault: anchor.keyId.toString('hex'), keys }, vaultKey);
}

/**
 * A destruction that a crash interrupted. What counts are the key ids: they are destroyed in whatever slots they are. The numbers only
 * tell slots that were torn while they were overwritten from slots that were damaged, and only in the very file they are of.
 */
export class VaultIntent {
  readonly #live = new Map<string, number[]>();
  readonly #torn = new Map<number, string>();
  #other: number | undefined;

  private constructor(
    private readonly keys: IntendedKeys,
    private readonly vault: string | undefined,
  ) {
    for (const [keyId, numbers] of keys) for (const number of numbers) this.#torn.set(number, keyId);
  }

  /**
   * Reads `vault.destroying`.
   *
   * @param isMarked whether `vault.mark` was ever written: then an intent without MAC, of format 1, is not believed
   * @throws ProtegoError `LOG_KEYS_DAMAGED`
   */
  static parse(text: Buffer, vaultKey: Buffer, isMarked: boolean): VaultIntent {
    const fields = parseVaultRecord(PURPOSE, text, vaultKey);
    if (fields !== undefined && fields['format'] === FORMAT && typeof fields['vault'] === 'string')
      return new VaultIntent(keysOf(fields['keys']), fields['vault']);
    if (fields !== undefined || isMarked) throw damaged('was altered or damaged, or is of other keys');
    return new VaultIntent(keysOf(jsonOf(text)), undefined);
  }

  /** Takes note of a slot while the vault is read. */
  note(decoded: DecodedVaultSlot, number: number): void {
    if (decoded.state === 'invalid') return;
    const keyId = (decoded.state === 'live' ? decoded.slot.keyId : decoded.keyId).toString('hex');
    const claimed = this.#torn.get(number);
    if (claimed !== undefined && claimed !== keyId) this.#other ??= number;
    this.#torn.delete(number);
    if (decoded.state !== 'live' || !this.keys.has(keyId)) return;
    const numbers = this.#live.get(keyId) ?? [];
    numbers.push(number);
    this.#live.set(keyId, numbers);
  }

  /** Whether a slot that cannot be read was being overwritten. */
  explains(number: number, anchor: VaultAnchor | undefined): boolean {
    return this.#torn.has(number) && this.#isOf(anchor);
  }

  /**
   * The slots that are still to be overwritten, by key id, once the whole vault was noted.
   *
   * @param count slots of the vault
   * @throws ProtegoError `LOG_KEYS_DAMAGED` for an intent without MAC that names slots that are not there, or of other keys
   */
  slotsLeft(count: number): Map<Buffer, number[]> {
    const beyond = [...this.keys.values()].flat().find((number) => number >= count);
    const wrong = beyond ?? this.#other;
    if (this.vault === undefined && wrong !== undefined)
      throw damaged(`names slot \`${wrong}\`, which is of another key`);
    const left = new Map([...this.keys.keys()].map((keyId) => [keyId, [...(this.#live.get(keyId) ?? [])]]));
    // Those that were refused otherwise: nobody comes here with damage that this does not explain.
    for (const [number, keyId] of this.#torn) if (number < count) left.get(keyId)?.push(number);
    return new Map([...left].map(([keyId, numbers]) => [Buffer.from(keyId, 'hex'), numbers]));
  }

  /** Without a MAC it says of no file, and each slot is compared instead. */
  #isOf(anchor: VaultAnchor | undefined): boolean {
    return this.vault === undefined || this.vault === anchor?.keyId.toString('hex');
  }
}

function jsonOf(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    throw damaged('is not whole');
  }
}

function keysOf(value: unknown): IntendedKeys {
  if (!Array.isArray(value)) throw damaged('is no list of keys');
  return new Map(
    value.map((each: unknown) => {
      const [keyId, numbers] = (Array.isArray(each) ? each : []) as unknown[];
      const isWhole =
        typeof keyId === 'string' && KEY_ID.test(keyId) && Array.isArray(numbers) && numbers.every(isSlot);
      if (!isWhole) throw damaged('names slots that are none');
      return [keyId, numbers as number[]];
    }),
  );
}

function isSlot(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function damaged(problem: string): ProtegoError {
  const message =
    `\`${VAULT_INTENT_FILE}\` ${problem}; nothing was changed. Restore it together with \`vault\`; or remove it, and ` +
    'repeat the erasure that was under way: it was not answered';
  return new ProtegoError('LOG_KEYS_DAMAGED', message);
}
