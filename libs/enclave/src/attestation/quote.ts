import { type KeyObject } from 'node:crypto';
import { ProtegoError, canonicalJson } from '@protego/contracts';
import { type EnclaveIdentity } from '../measurement/enclave-identity';
import { X25519_KEY_BYTES } from '../primitives/x25519';

/** Profile of the quotes (RFC 9711, section 6); `docs/reference/attestation.md` describes it. */
export const QUOTE_PROFILE = 'urn:protego:eat:emulated:1';
/** Media type of a quote, as `typ` of its header (RFC 9782). */
export const QUOTE_TYPE = 'eat+jwt';
/** Hardware model that a quote names: there is no hardware. */
export const QUOTE_HARDWARE_MODEL = 'protego-emulated';
/** Shortest and longest nonce, bytes. */
export const QUOTE_NONCE_BYTES = { min: 16, max: 64 } as const;
/** Type of a UEID that is 32 random bytes or the hash of such (RFC 9711, section 4.2.1). */
export const UEID_RAND = 0x01;
/** Longest time that a quote may be said to be valid, milliseconds. */
export const QUOTE_LIFETIME_MS_MAX = 3_600_000;

const LIFETIME_MS = 60_000;
const TEXT_LENGTH_MAX = 512;

/** Whether the memory of secrets is kept from being swapped out. */
export interface MemoryState {
  readonly isLocked: boolean;
  /** Most that the process may lock, bytes; null when there is no limit, or none is known. */
  readonly lockLimitBytes: number | null;
  /** What is wrong, in a sentence of at most 512 characters. */
  readonly warning?: string;
}

/** What an enclave says in a quote. */
export interface QuoteRequest {
  /** The verifier's random bytes, 16 to 64. */
  readonly nonce: Buffer;
  /** Raw X25519 key of the enclave, made for this quote; 32 bytes. */
  readonly channelKey: Buffer;
  readonly memory: MemoryState;
  readonly software: { readonly name: string; readonly version: string };
  /** How long the quote may be used; a minute unless told, an hour at most. */
  readonly lifetimeMs?: number;
}

/** What the platform knows of an enclave and puts into its quotes. */
export interface QuoteFacts {
  readonly platformId: Buffer;
  readonly identity: EnclaveIdentity;
  readonly issuedAtMs: number;
}

/**
 * A quote, signed: an EAT (RFC 9711) as a JWS in compact form (RFC 7515) with EdDSA (RFC 8037).
 *
 * @throws ProtegoError `ATTESTATION_INVALID` for a request of another form
 */
export async function signQuote(key: KeyObject, facts: QuoteFacts, request: QuoteRequest): Promise<string> {
  mustBeQuotable(request);
  const payload = Buffer.from(canonicalJson(claimsOf(facts, request)));
  // Loaded when it is needed: most programs that use keys never attest.
  const { CompactSign } = await import('jose');
  return new CompactSign(payload)
    .setProtectedHeader({ alg: 'EdDSA', kid: facts.platformId.toString('base64url'), typ: QUOTE_TYPE })
    .sign(key);
}

function claimsOf({ platformId, identity, issuedAtMs }: QuoteFacts, request: QuoteRequest): Record<string, unknown> {
  const { nonce, channelKey, memory, software, lifetimeMs = LIFETIME_MS } = request;
  const { signer, measurement, securityVersion, isDebug } = identity;
  return {
    eat_profile: QUOTE_PROFILE,
    eat_nonce: nonce.toString('base64url'),
    ueid: Buffer.concat([Buffer.of(UEID_RAND), platformId]).toString('base64url'),
    hwmodel: Buffer.from(QUOTE_HARDWARE_MODEL, 'latin1').toString('base64url'),
    dbgstat: isDebug ? 'enabled' : 'disabled-since-boot',
    swname: software.name,
    swversion: [software.version],
    cnf: { jwk: { kty: 'OKP', crv: 'X25519', x: channelKey.toString('base64url') } },
    // RFC 9711 takes no fraction of a second.
    iat: Math.floor(issuedAtMs / 1000),
    exp: Math.ceil((issuedAtMs + lifetimeMs) / 1000),
    protego: {
      emulated: true,
      measurement: measurement.toString('hex'),
      securityVersion,
      signer: signer && { id: signer.signerId.toString('hex'), product: signer.product },
      memory: { locked: memory.isLocked, lockLimitBytes: memory.lockLimitBytes, warning: memory.warning },
    },
  };
}

function mustBeQuotable({ nonce, channelKey, memory, software, lifetimeMs = LIFETIME_MS }: QuoteRequest): void {
  const { lockLimitBytes, warning = '' } = memory;
  const isText = (text: string): boolean => text !== '' && text.length <= TEXT_LENGTH_MAX;
  const problem =
    nonce.length < QUOTE_NONCE_BYTES.min || nonce.length > QUOTE_NONCE_BYTES.max
      ? `a nonce has ${QUOTE_NONCE_BYTES.min} to ${QUOTE_NONCE_BYTES.max} bytes, not ${nonce.length}`
      : channelKey.length !== X25519_KEY_BYTES
        ? `the key of the channel has ${X25519_KEY_BYTES} bytes, not ${channelKey.length}`
        : !isText(software.name) || !isText(software.version) || warning.length > TEXT_LENGTH_MAX
          ? `names, versions and warnings have at most ${TEXT_LENGTH_MAX} characters`
          : lockLimitBytes !== null && !(Number.isSafeInteger(lockLimitBytes) && lockLimitBytes >= 0)
            ? 'the lock limit is a number of bytes'
            : !(lifetimeMs > 0 && lifetimeMs <= QUOTE_LIFETIME_MS_MAX)
              ? `a quote is valid for at most ${QUOTE_LIFETIME_MS_MAX} ms`
              : undefined;
  if (problem !== undefined) throw new ProtegoError('ATTESTATION_INVALID', problem);
}
