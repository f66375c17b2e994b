import { hash } from 'node:crypto';
import { ProtegoError, canonicalJson } from '@protego/contracts';
import {
  ED25519_PUBLIC_KEY_BYTES,
  ED25519_SIGNATURE_BYTES,
  isEd25519Signature,
  type Ed25519KeyPair,
} from '../primitives/ed25519';
import { MEASUREMENT_BYTES } from './measure';

/** What an author says of an enclave: the emulation of SGX's SIGSTRUCT. */
export interface SignedMeasurement {
  readonly format: 1;
  /** Hex, 32 bytes. */
  readonly measurement: string;
  /** What the enclave is; enclaves of one author and product can share sealed blobs. 1 to 64 characters of `a-z0-9.-`. */
  readonly product: string;
  /** Grows with each version that mends a hole; an older version cannot open what a newer one sealed. u32. */
  readonly securityVersion: number;
  /** Author's raw Ed25519 key, hex. */
  readonly publicKey: string;
  /** Ed25519 over {@link SIGNED_MEASUREMENT_DOMAIN} and the other fields but `publicKey` in canonical JSON; hex. */
  readonly signature: string;
}

/** Who an author is and what was signed, once the signature was found genuine. */
export interface CheckedMeasurement {
  /** 32 bytes. */
  readonly measurement: Buffer;
  readonly product: string;
  readonly securityVersion: number;
  /** SHA-256 of the author's raw public key. */
  readonly signerId: Buffer;
}

/** Stands in front of what is signed, so that the signature is one for nothing else. */
export const SIGNED_MEASUREMENT_DOMAIN = 'protego/signed-measurement/1\0';

const PRODUCT = /^[a-z0-9.-]{1,64}$/;
const SECURITY_VERSION_MAX = 0xffffffff;

/** Who signed: SHA-256 of the raw public key, 32 bytes. */
export function signerIdOf(publicKey: Buffer): Buffer {
  return Buffer.from(hash('sha256', publicKey, 'hex'), 'hex');
}

/**
 * Signs a measurement as the author of the enclave.
 *
 * @throws ProtegoError `ENCLAVE_SIGNATURE_INVALID` for a product or security version of another form
 */
export function signMeasurement(
  author: Pick<Ed25519KeyPair, 'publicKey' | 'sign'>,
  { measurement, product, securityVersion }: { measurement: Buffer; product: string; securityVersion: number },
): SignedMeasurement {
  const fields = { format: 1, measurement: measurement.toString('hex'), product, securityVersion } as const;
  const publicKey = author.publicKey.toString('hex');
  const signed = { ...fields, publicKey, signature: author.sign(messageOf(fields)).toString('hex') };
  checkSignedMeasurement(signed);
  return signed;
}

/**
 * Checks the form and the signature of a signed measurement. Whether the author is one to be trusted is for verifiers
 * to say.
 *
 * @throws ProtegoError `ENCLAVE_SIGNATURE_INVALID`
 */
export function checkSignedMeasurement(signed: SignedMeasurement): CheckedMeasurement {
  const { format, product, securityVersion } = signed;
  const measurement = bytesOf(signed.measurement, MEASUREMENT_BYTES, 'measurement');
  const publicKey = bytesOf(signed.publicKey, ED25519_PUBLIC_KEY_BYTES, 'publicKey');
  const signature = bytesOf(signed.signature, ED25519_SIGNATURE_BYTES, 'signature');
  if (format !== 1) throw invalid('format');
  if (typeof product !== 'string' || !PRODUCT.test(product)) throw invalid('product');
  if (!Number.isInteger(securityVersion) || securityVersion < 0 || securityVersion > SECURITY_VERSION_MAX) {
    throw invalid('securityVersion');
  }
  const message = messageOf({ format, measurement: signed.measurement, product, securityVersion });
  if (!isEd25519Signature(publicKey, message, signature)) throw invalid('signature');
  return { measurement, product, securityVersion, signerId: signerIdOf(publicKey) };
}

function messageOf(fields: Omit<SignedMeasurement, 'publicKey' | 'signature'>): Buffer {
  return Buffer.from(SIGNED_MEASUREMENT_DOMAIN + canonicalJson(fields));
}

function bytesOf(hex: unknown, bytes: number, field: string): Buffer {
  if (typeof hex !== 'string' || hex.length !== 2 * bytes || !/^[0-9a-f]*$/.test(hex)) throw invalid(field);
  return Buffer.from(hex, 'hex');
}

function invalid(field: string): ProtegoError {
  return new ProtegoError('ENCLAVE_SIGNATURE_INVALID', `\`${field}\` of the signed measurement is not valid`, {
    field,
  });
}
