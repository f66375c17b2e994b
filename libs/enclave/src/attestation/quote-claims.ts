import { ProtegoError } from '@protego/contracts';
import { MEASUREMENT_BYTES } from '../measurement/measure';
import { type EnclaveSigner } from '../measurement/enclave-identity';
import { X25519_KEY_BYTES } from '../primitives/x25519';
import { bytesOfBase64url } from './base64url';
import {
  QUOTE_HARDWARE_MODEL,
  QUOTE_NONCE_BYTES,
  QUOTE_PROFILE,
  UEID_RAND,
  type MemoryState,
  type QuoteRequest,
} from './quote';

/** What a quote says, read and of the right form. Whether it may be believed is for the appraisal. */
export interface QuoteClaims {
  readonly nonce: Buffer;
  readonly platformId: Buffer;
  readonly isDebug: boolean;
  readonly measurement: Buffer;
  readonly securityVersion: number;
  readonly signer?: EnclaveSigner;
  readonly software: QuoteRequest['software'];
  readonly memory: MemoryState;
  /** Raw X25519 key of the enclave. */
  readonly channelKey: Buffer;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

type Members = Readonly<Record<string, unknown>>;

const PLATFORM_ID_BYTES = 32;
const DEBUG_BY_STATUS: Readonly<Record<string, boolean>> = { enabled: true, 'disabled-since-boot': false };
const TEXT_LENGTH_MAX = 512;

/**
 * Reads the payload of a quote; claims of other names are left aside (RFC 7519, section 4).
 *
 * @throws ProtegoError `ATTESTATION_INVALID`
 */
export function parseQuoteClaims(payload: Uint8Array): QuoteClaims {
  const claims = parseMembers(payload);
  if (claims['eat_profile'] !== QUOTE_PROFILE) throw invalidClaim('eat_profile');
  const hardwareModel = Buffer.from(QUOTE_HARDWARE_MODEL, 'latin1').toString('base64url');
  if (claims['hwmodel'] !== hardwareModel) throw invalidClaim('hwmodel');
  const ueid = bytesOf(claims['ueid'], 1 + PLATFORM_ID_BYTES, 1 + PLATFORM_ID_BYTES, 'ueid');
  if (ueid[0] !== UEID_RAND) throw invalidClaim('ueid');
  const debugStatus = claims['dbgstat'];
  const isDebug = typeof debugStatus === 'string' ? DEBUG_BY_STATUS[debugStatus] : undefined;
  if (isDebug === undefined) throw invalidClaim('dbgstat');
  return {
    nonce: bytesOf(claims['eat_nonce'], QUOTE_NONCE_BYTES.min, QUOTE_NONCE_BYTES.max, 'eat_nonce'),
    platformId: ueid.subarray(1),
    isDebug,
    channelKey: channelKeyOf(membersOf(claims['cnf'], 'cnf')),
    issuedAtMs: 1000 * countOf(claims['iat'], 'iat'),
    expiresAtMs: 1000 * countOf(claims['exp'], 'exp'),
    software: { name: textOf(claims['swname'], 'swname'), version: versionOf(claims['swversion']) },
    ...enclaveOf(membersOf(claims['protego'], 'protego')),
  };
}

/**
 * Reads what a quote says without checking who signed it: for showing one's own quote, never for trusting another's. That is
 * for `verifyQuote`.
 *
 * @throws ProtegoError `ATTESTATION_INVALID`
 */
export function readQuoteClaims(quote: string): QuoteClaims {
  const payload = bytesOfBase64url(quote.split('.')[1]);
  if (payload === undefined) throw invalidClaim('payload');
  return parseQuoteClaims(payload);
}

function enclaveOf(own: Members): Pick<QuoteClaims, 'measurement' | 'securityVersion' | 'signer' | 'memory'> {
  if (own['emulated'] !== true) throw invalidClaim('protego.emulated');
  const memory = membersOf(own['memory'], 'protego.memory');
  const { locked, lockLimitBytes: limit, warning } = memory;
  if (typeof locked !== 'boolean') throw invalidClaim('protego.memory.locked');
  return {
    measurement: hexOf(own['measurement'], 'protego.measurement'),
    securityVersion: countOf(own['securityVersion'], 'protego.securityVersion'),
    ...(own['signer'] === undefined ? {} : { signer: signerOf(membersOf(own['signer'], 'protego.signer')) }),
    memory: {
      isLocked: locked,
      lockLimitBytes: limit === null ? null : countOf(limit, 'protego.memory.lockLimitBytes'),
      ...(warning === undefined ? {} : { warning: textOf(warning, 'protego.memory.warning') }),
    },
  };
}

function signerOf({ id, product }: Members): EnclaveSigner {
  return { signerId: hexOf(id, 'protego.signer.id'), product: textOf(product, 'protego.signer.product') };
}

/** Key of the `cnf` claim (RFC 7800, section 3.2; RFC 8037). */
function channelKeyOf(confirmation: Members): Buffer {
  const { kty, crv, x } = membersOf(confirmation['jwk'], 'cnf.jwk');
  if (kty !== 'OKP' || crv !== 'X25519') throw invalidClaim('cnf.jwk');
  return bytesOf(x, X25519_KEY_BYTES, X25519_KEY_BYTES, 'cnf.jwk.x');
}

/**
 * Object of a JSON text.
 *
 * @throws ProtegoError `ATTESTATION_INVALID`
 */
export function parseMembers(json: Uint8Array): Members {
  try {
    return membersOf(JSON.parse(Buffer.from(json).toString('utf8')), 'JSON');
  } catch (cause) {
    throw invalidClaim('JSON', cause);
  }
}

function membersOf(value: unknown, claim: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidClaim(claim);
  return value as Members;
}

function versionOf(value: unknown): string {
  return textOf(Array.isArray(value) ? value[0] : undefined, 'swversion');
}

function textOf(value: unknown, claim: string): string {
  if (typeof value !== 'string' || value === '' || value.length > TEXT_LENGTH_MAX) throw invalidClaim(claim);
  return value;
}

function countOf(value: unknown, claim: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw invalidClaim(claim);
  return value as number;
}

function hexOf(value: unknown, claim: string): Buffer {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw invalidClaim(claim);
  return Buffer.from(value, 'hex').subarray(0, MEASUREMENT_BYTES);
}

function bytesOf(value: unknown, min: number, max: number, claim: string): Buffer {
  const bytes = bytesOfBase64url(value);
  if (bytes === undefined || bytes.length < min || bytes.length > max) throw invalidClaim(claim);
  return bytes;
}

function invalidClaim(claim: string, cause?: unknown): ProtegoError {
  return new ProtegoError('ATTESTATION_INVALID', `\`${claim}\` of the quote is not valid`, { claim }, { cause });
}
