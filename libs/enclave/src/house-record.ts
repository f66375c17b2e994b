import { ProtegoError, canonicalJson } from '@protego/contracts';
import { withDerivedKey } from './key-derivation';
import { HMAC_SHA256_BYTES, hmacSha256, isHmacSha256 } from './primitives/hmac';
import { jsonObjectOf } from './json-object';

/** Version of the key directory's layout that this code writes and reads. */
export const HOUSE_FORMAT = 1;

/** Name of the file in the key directory. */
export const HOUSE_FILE = 'house.json';

const MAC_KEY_PURPOSE = 'house-record/1';

/** What `house.json` says about a key directory. */
export interface HouseRecord {
  /** Numbers of the data keys that exist, ascending. */
  readonly dataKeyIds: readonly number[];
  /** Key of the persons' tokens, sealed under the root secret (hex); missing where it is derived from that secret. */
  readonly pseudonymKey?: string;
}

/** `house.json` of a record: canonical JSON with an HMAC-SHA256 under a key of the root secret, and a line feed. */
export function formatHouseRecord(record: HouseRecord, root: Buffer): Buffer {
  const { dataKeyIds, pseudonymKey } = record;
  const fields = { format: HOUSE_FORMAT, dataKeyIds, ...(pseudonymKey === undefined ? {} : { pseudonymKey }) };
  return Buffer.from(`${canonicalJson({ ...fields, mac: macOf(fields, root).toString('hex') })}\n`);
}

/**
 * Reads `house.json` and proves that it belongs to the root secret.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED`; `LOG_FORMAT_UNKNOWN` for another version
 */
export function parseHouseRecord(text: Buffer, root: Buffer, path: string): HouseRecord {
  const { mac, ...fields } = jsonObjectOf(text);
  const claimed = Buffer.from(typeof mac === 'string' ? mac : '', 'hex');
  const isGenuine =
    claimed.length === HMAC_SHA256_BYTES &&
    withDerivedKey(root, MAC_KEY_PURPOSE, (key) => isHmacSha256(key, canonicalJson(fields), claimed));
  if (!isGenuine) {
    const message = `\`${path}\` and the root secret do not belong together: restore those of the same log`;
    throw new ProtegoError('LOG_KEYS_DAMAGED', message, { path });
  }
  if (fields['format'] !== HOUSE_FORMAT) {
    const format = fields['format'];
    throw new ProtegoError('LOG_FORMAT_UNKNOWN', `\`${path}\` has format ${String(format)}`, { path, format });
  }
  const pseudonymKey = fields['pseudonymKey'] as string | undefined;
  return { dataKeyIds: fields['dataKeyIds'] as number[], ...(pseudonymKey === undefined ? {} : { pseudonymKey }) };
}

function macOf(fields: Readonly<Record<string, unknown>>, root: Buffer): Buffer {
  return withDerivedKey(root, MAC_KEY_PURPOSE, (key) => hmacSha256(key, canonicalJson(fields)));
}
