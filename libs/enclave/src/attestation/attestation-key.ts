import { hash } from 'node:crypto';
import { ProtegoError, canonicalJson } from '@protego/contracts';
import { ED25519_PUBLIC_KEY_BYTES } from '../primitives/ed25519';
import { bytesOfBase64url } from './base64url';

/** Public key of a platform, as a JWK (RFC 8037). */
export interface AttestationKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly alg: 'EdDSA';
  readonly use: 'sig';
  /** Raw public key, base64url. */
  readonly x: string;
  /** Thumbprint of the key, base64url. */
  readonly kid: string;
}

/** JWK of a raw Ed25519 key. */
export function attestationKeyOf(publicKey: Buffer): AttestationKey {
  const x = publicKey.toString('base64url');
  return { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', x, kid: thumbprintOf(x).toString('base64url') };
}

/**
 * Raw key and thumbprint of a JWK; its `kid` is not relied on.
 *
 * @throws ProtegoError `ATTESTATION_KEY` when it is no Ed25519 key
 */
export function readAttestationKey(key: AttestationKey): { publicKey: Buffer; platformId: Buffer } {
  const publicKey = bytesOfBase64url(key.x);
  if (key.kty !== 'OKP' || key.crv !== 'Ed25519' || publicKey?.length !== ED25519_PUBLIC_KEY_BYTES) {
    throw new ProtegoError('ATTESTATION_KEY', 'a key of a platform is a JWK with `kty` OKP and `crv` Ed25519');
  }
  return { publicKey, platformId: thumbprintOf(key.x) };
}

/** JWK thumbprint with SHA-256 (RFC 7638; members after RFC 8037, section 2), 32 bytes. */
function thumbprintOf(x: string): Buffer {
  return Buffer.from(hash('sha256', canonicalJson({ crv: 'Ed25519', kty: 'OKP', x }), 'hex'), 'hex');
}
