import { hash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { codeMeasurementOf, measurementOf, type MeasuredManifest } from './measure';
import { checkSignedMeasurement, type SignedMeasurement } from './signed-measurement';

/** What a platform launches. */
export interface EnclaveImage {
  readonly manifest: MeasuredManifest;
  /** What the author says of it; without it, the enclave has no signer. */
  readonly signed?: SignedMeasurement;
}

/** Who an author of an enclave is, and what the enclave is to that author. */
export interface EnclaveSigner {
  /** SHA-256 of the author's raw public key, 32 bytes. */
  readonly signerId: Buffer;
  readonly product: string;
}

/** Who a running enclave is. */
export interface EnclaveIdentity {
  /** 32 bytes. */
  readonly measurement: Buffer;
  /** What enclaves of the same code and debug mode have in common, whatever they are configured for, 32 bytes. */
  readonly codeMeasurement: Buffer;
  readonly isDebug: boolean;
  readonly signer?: EnclaveSigner;
  /** Of its signed measurement; 0 without one. */
  readonly securityVersion: number;
}

/**
 * Identity of an image, after its signature was checked and found to be for this very manifest.
 *
 * @throws ProtegoError `ENCLAVE_SIGNATURE_INVALID`, `ENCLAVE_MEASUREMENT_INVALID`
 */
export function identityOf({ manifest, signed }: EnclaveImage): EnclaveIdentity {
  const measurement = measurementOf(manifest);
  const measured = { measurement, codeMeasurement: codeMeasurementOf(manifest), isDebug: manifest.debug };
  if (signed === undefined) return { ...measured, securityVersion: 0 };
  const { signerId, product, securityVersion, ...checked } = checkSignedMeasurement(signed);
  if (!checked.measurement.equals(measurement)) {
    const message = 'the author signed another measurement than that of this code and configuration';
    const details = { measurement: measurement.toString('hex'), signed: signed.measurement };
    throw new ProtegoError('ENCLAVE_SIGNATURE_INVALID', message, details);
  }
  return { ...measured, signer: { signerId, product }, securityVersion };
}

/**
 * What enclaves of one author, product and debug mode have in common, 32 bytes. Debug mode is part of it: else whoever may
 * look into a debug enclave could read what the others sealed.
 *
 * @throws ProtegoError `ENCLAVE_SIGNER_MISMATCH` for an enclave without a signer
 */
export function signerScopeOf({ signer, isDebug }: EnclaveIdentity): Buffer {
  if (signer === undefined) {
    throw new ProtegoError('ENCLAVE_SIGNER_MISMATCH', 'this enclave has no signed measurement, so no signer');
  }
  const mode = isDebug ? 'debug' : 'production';
  const text = `protego/signer-scope/1\0${signer.signerId.toString('hex')}/${mode}/${signer.product}`;
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}
