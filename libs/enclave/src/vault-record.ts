import { canonicalJson } from '@protego/contracts';
import { jsonObjectOf } from './json-object';
import { withDerivedKey } from './key-derivation';
import { HMAC_SHA256_BYTES, hmacSha256, isHmacSha256 } from './primitives/hmac';

/** What the vault's key is derived for. */
export const VAULT_KEY_PURPOSE = 'vault/1';

/** What a record beside the vault is for; records of different purposes have different keys. */
export type VaultRecordPurpose = 'vault-mark/1' | 'vault-intent/1';

/**
 * A record beside the vault: canonical JSON with an HMAC-SHA256 under a key of the vault's, and a line feed.
 *
 * @param vaultKey 32 bytes
 */
export function formatVaultRecord(
  purpose: VaultRecordPurpose,
  fields: Readonly<Record<string, unknown>>,
  vaultKey: Buffer,
): Buffer {
  const mac = withDerivedKey(vaultKey, purpose, (key) => hmacSha256(key, canonicalJson(fields)));
  return Buffer.from(`${canonicalJson({ ...fields, mac: mac.toString('hex') })}\n`);
}

/** What {@link formatVaultRecord} wrote, without its MAC; undefined for anything else. */
export function parseVaultRecord(
  purpose: VaultRecordPurpose,
  text: Buffer,
  vaultKey: Buffer,
): Record<string, unknown> | undefined {
  const { mac, ...fields } = jsonObjectOf(text);
  const claimed = Buffer.from(typeof mac === 'string' ? mac : '', 'hex');
  if (claimed.length !== HMAC_SHA256_BYTES) return undefined;
  const isGenuine = withDerivedKey(vaultKey, purpose, (key) => isHmacSha256(key, canonicalJson(fields), claimed));
  return isGenuine ? fields : undefined;
}
