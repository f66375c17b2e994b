import { canonicalJson } from '@protego/contracts';
import { jsonObjectOf } from './json-object';
import { deriveKey } from './key-derivation';
import { HMAC_SHA256_BYTES, hmacSha256, isHmacSha256 } from './primitives/hmac';

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
  const mac = withKey(purpose, vaultKey, (key) => hmacSha256(key, canonicalJson(fields)));
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
  const isGenuine = withKey(purpose, vaultKey, (key) => isHmacSha256(key, canonicalJson(fields), claimed));
  return isGenuine ? fields : undefined;
}

function withKey<T>(purpose: VaultRecordPurpose, vaultKey: Buffer, use: (key: Buffer) => T): T {
  const key = deriveKey(vaultKey, purpose, 32);
  try {
    return use(key);
  } finally {
    key.fill(0);
  }
}
