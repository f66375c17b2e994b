import { hash } from 'node:crypto';
import { ProtegoError, type Clock } from '@protego/contracts';
import { type EnclaveSigner } from '../measurement/enclave-identity';
import { ED25519_SIGNATURE_BYTES, ed25519PublicKeyObject } from '../primitives/ed25519';
import { readAttestationKey, type AttestationKey } from './attestation-key';
import { bytesOfBase64url } from './base64url';
import { QUOTE_TYPE } from './quote';
import { parseMembers, parseQuoteClaims, type QuoteClaims } from './quote-claims';

/** What a verifier asks of an enclave: the appraisal policy for evidence (RFC 9334, section 8.5). */
export interface AppraisalPolicy {
  /** Keys of the platforms that are trusted, got by another way than the quote. */
  readonly platformKeys: readonly AttestationKey[];
  /** The bytes that this verifier drew for this quote. */
  readonly nonce: Buffer;
  /** The measurement is one of these. This, `signers` or both are given; what is given has to hold. */
  readonly measurements?: readonly Buffer[];
  /** Author and product are one of these. */
  readonly signers?: readonly EnclaveSigner[];
  /** Least security version; 0 unless told. */
  readonly minSecurityVersion?: number;
  /** Lets debug enclaves pass; false unless told. */
  readonly allowDebug?: boolean;
  /** Age beyond which a quote is stale, milliseconds. A quote gives its time in whole seconds, rounded down. */
  readonly maxAgeMs: number;
  /** How far the clocks of platform and verifier may differ, milliseconds; 2,000 unless told. */
  readonly clockSkewMs?: number;
  readonly clock: Clock;
}

/** What an appraisal found: the attestation result (RFC 9334, section 8.4). */
export interface AttestationResult extends QuoteClaims {
  /** Always true: there was no hardware, and whoever can read the platform's secret could have made this quote. */
  readonly isEmulated: true;
  /** SHA-256 of the quote's text, 32 bytes: binds a channel to it. */
  readonly quoteHash: Buffer;
  /** What was checked, for a record of the appraisal. */
  readonly checks: readonly string[];
}

const QUOTE_LENGTH_MAX = 8192;
const HEADER_MEMBERS = 'alg,kid,typ';
const CLOCK_SKEW_MS = 2_000;

/**
 * Appraises a quote, in the role of the verifier of RFC 9334. The first thing found wrong decides which refusal it is.
 *
 * @param quote EAT in JWS compact form
 * @throws ProtegoError `ATTESTATION_INVALID` for what is no quote, or names another algorithm, type or profile;
 *   `ATTESTATION_KEY` when no trusted platform signed it; `ATTESTATION_STALE` for another nonce, or too old;
 *   `ATTESTATION_DEBUG`; `ATTESTATION_MEASUREMENT` for another measurement, author, product or an older security
 *   version
 */
export async function verifyQuote(quote: string, policy: AppraisalPolicy): Promise<AttestationResult> {
  const claims = await verifiedClaims(quote, policy.platformKeys);
  const checks = ['signature', 'profile', checkFreshness(claims, policy)];
  if (!claims.isDebug) checks.push('debug off');
  else if (policy.allowDebug !== true) throw refusal('DEBUG', 'the enclave runs in debug mode', claims);
  checks.push(...checkIdentity(claims, policy));
  const quoteHash = Buffer.from(hash('sha256', quote, 'hex'), 'hex');
  return { ...claims, isEmulated: true, quoteHash, checks };
}

/** Claims of a quote that a trusted platform signed. */
async function verifiedClaims(quote: string, platformKeys: readonly AttestationKey[]): Promise<QuoteClaims> {
  const kid = keyIdOf(quote);
  const known = platformKeys.map(readAttestationKey).find(({ platformId }) => platformId.equals(kid));
  if (known === undefined) throw untrusted('the quote is signed by a platform that is not trusted', kid);
  const key = ed25519PublicKeyObject(known.publicKey);
  // Loaded when it is needed: most programs that use keys never attest.
  const { compactVerify } = await import('jose');
  const { payload } = await compactVerify(quote, key, { algorithms: ['EdDSA'] }).catch((cause: unknown) => {
    throw untrusted('the signature is not that of the platform', kid, cause);
  });
  const claims = parseQuoteClaims(payload);
  if (claims.platformId.equals(kid)) return claims;
  throw new ProtegoError('ATTESTATION_INVALID', '`ueid` and `kid` name two platforms');
}

/** Key id in the header of a quote, whose spelling and header are the only ones of its kind. */
function keyIdOf(quote: string): Buffer {
  const invalid = (problem: string): never => {
    throw new ProtegoError('ATTESTATION_INVALID', `this is no quote: ${problem}`);
  };
  if (typeof quote !== 'string' || quote.length > QUOTE_LENGTH_MAX) return invalid('it is too long');
  const parts = quote.split('.').map(bytesOfBase64url);
  const [header, , signature] = parts;
  if (parts.length !== 3 || header === undefined || parts.includes(undefined)) {
    return invalid('it is not three texts in base64url');
  }
  if (signature?.length !== ED25519_SIGNATURE_BYTES) return invalid('its signature is not one of Ed25519');
  const members = parseMembers(header);
  if (members['alg'] !== 'EdDSA') return invalid('its `alg` is not EdDSA');
  if (members['typ'] !== QUOTE_TYPE) return invalid(`its \`typ\` is not ${QUOTE_TYPE}`);
  // Others could change how the rest is to be read, such as `crit` and `b64`, or bring a key of their own.
  if (Object.keys(members).sort().join() !== HEADER_MEMBERS) return invalid('its header has other members');
  return bytesOfBase64url(members['kid']) ?? invalid('its `kid` is not in base64url');
}

function checkFreshness(claims: QuoteClaims, policy: AppraisalPolicy): string {
  const { nonce, issuedAtMs, expiresAtMs } = claims;
  const { clock, maxAgeMs, clockSkewMs = CLOCK_SKEW_MS } = policy;
  if (!nonce.equals(policy.nonce)) throw refusal('STALE', 'the quote answers another nonce', claims);
  const nowMs = clock.wallMs();
  const ageMs = nowMs - issuedAtMs;
  if (ageMs < -clockSkewMs) throw refusal('STALE', `the quote is from ${-ageMs} ms in the future`, claims);
  if (ageMs > maxAgeMs + clockSkewMs) throw refusal('STALE', `the quote is ${ageMs} ms old`, claims);
  if (nowMs >= expiresAtMs + clockSkewMs) throw refusal('STALE', 'the quote has expired', claims);
  return 'freshness';
}

function checkIdentity(claims: QuoteClaims, policy: AppraisalPolicy): string[] {
  const { measurement, signer, securityVersion } = claims;
  const { measurements, signers, minSecurityVersion = 0 } = policy;
  const refuse = (message: string): never => {
    throw refusal('MEASUREMENT', message, claims);
  };
  if (measurements === undefined && signers === undefined) refuse('the policy allows no measurement and no signer');
  if (measurements?.some((allowed) => allowed.equals(measurement)) === false) {
    refuse('the policy does not allow this measurement');
  }
  const isAllowed = ({ signerId, product }: EnclaveSigner): boolean =>
    signer !== undefined && signer.product === product && signer.signerId.equals(signerId);
  if (signers?.some(isAllowed) === false) refuse('the policy does not allow this author and product');
  if (securityVersion < minSecurityVersion)
    refuse(`security version ${securityVersion} is below ${minSecurityVersion}`);
  return [
    ...(measurements === undefined ? [] : ['measurement']),
    ...(signers === undefined ? [] : ['signer']),
    'security version',
  ];
}

function refusal(reason: 'STALE' | 'DEBUG' | 'MEASUREMENT', message: string, claims: QuoteClaims): ProtegoError {
  const { measurement, platformId, securityVersion } = claims;
  const details = { measurement: hex(measurement), platformId: hex(platformId), securityVersion };
  return new ProtegoError(`ATTESTATION_${reason}`, message, details);
}

function untrusted(message: string, kid: Buffer, cause?: unknown): ProtegoError {
  return new ProtegoError('ATTESTATION_KEY', message, { kid: hex(kid) }, { cause });
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex');
}
