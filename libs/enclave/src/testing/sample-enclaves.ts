import { hash } from 'node:crypto';
import { type EnclaveImage } from '../measurement/enclave-identity';
import { measurementOf, type MeasuredManifest } from '../measurement/measure';
import { signMeasurement } from '../measurement/signed-measurement';
import { Ed25519KeyPair } from '../primitives/ed25519';

/** What makes one sample enclave differ from another. */
export interface SampleEnclave {
  readonly code?: string;
  /** What it is configured for. */
  readonly site?: string;
  /** Flags of Node. */
  readonly nodeFlags?: readonly string[];
  readonly isDebug?: boolean;
  /** Name of the author, whose key it gives; without it the enclave is not signed. */
  readonly author?: string;
  readonly product?: string;
  readonly securityVersion?: number;
}

/** Key pair of an author; the same name gives the same keys. */
export function sampleAuthor(name: string): Ed25519KeyPair {
  return new Ed25519KeyPair(Buffer.from(hash('sha256', `protego fixed author ${name}`, 'hex'), 'hex'));
}

/** An image without files on disk. */
export function sampleImage(sample: SampleEnclave = {}): EnclaveImage {
  const { code = 'v1', site = 'north', nodeFlags = [], isDebug = false, author, ...rest } = sample;
  const files = [{ path: 'enclave.js', sha256: hash('sha256', code, 'hex') }];
  const manifest: MeasuredManifest = { format: 1, files, configuration: { site, nodeFlags }, debug: isDebug };
  if (author === undefined) return { manifest };
  const { product = 'protego.enclave', securityVersion = 1 } = rest;
  const measurement = measurementOf(manifest);
  return { manifest, signed: signMeasurement(sampleAuthor(author), { measurement, product, securityVersion }) };
}
