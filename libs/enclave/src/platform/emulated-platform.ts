import { createPublicKey, type KeyObject } from 'node:crypto';
import { sodium_malloc, sodium_memzero } from 'sodium-native';
import { ProtegoError, type Clock } from '@protego/contracts';
import { attestationKeyOf, readAttestationKey, type AttestationKey } from '../attestation/attestation-key';
import { signQuote, type QuoteRequest } from '../attestation/quote';
import { deriveKey } from '../key-derivation';
import { identityOf, signerScopeOf, type EnclaveIdentity, type EnclaveImage } from '../measurement/enclave-identity';
import { ED25519_SEED_BYTES, ed25519PrivateKeyObject } from '../primitives/ed25519';
import {
  SEALING_SALT_BYTES,
  type LaunchedEnclave,
  type MonotonicCounters,
  type Platform,
  type SealingKeyRequest,
} from './platform';
import { isSealingLabel } from './names';

/** Length of the secret of a platform, bytes. */
export const PLATFORM_SECRET_BYTES = 32;

const KEY_BYTES = 32;
const POLICY_NUMBERS = { measurement: 1, signer: 2, migration: 3, code: 4 };
const NO_MEASUREMENT = Buffer.alloc(32);

/** What an emulated platform is made of. */
export interface EmulatedPlatformParts {
  /** 32 random bytes; wiped. */
  readonly secret: Buffer;
  readonly counters: MonotonicCounters;
  readonly clock: Clock;
}

/**
 * A platform in software. Its secret stands for the fuses of a processor; whoever reads it can seal, open and sign as
 * any enclave.
 */
export class EmulatedPlatform implements Platform {
  readonly platformId: Buffer;
  readonly attestationKey: AttestationKey;
  readonly counters: MonotonicCounters;
  readonly #secret = sodium_malloc(PLATFORM_SECRET_BYTES);
  readonly #clock: Clock;
  #signingKey: KeyObject | undefined;

  constructor({ secret, counters, clock }: EmulatedPlatformParts) {
    secret.copy(this.#secret);
    secret.fill(0);
    this.counters = counters;
    this.#clock = clock;
    const seed = deriveKey(this.#secret, 'attestation-key/1', ED25519_SEED_BYTES);
    this.#signingKey = ed25519PrivateKeyObject(seed);
    seed.fill(0);
    const { x = '' } = createPublicKey(this.#signingKey).export({ format: 'jwk' });
    this.attestationKey = attestationKeyOf(Buffer.from(x, 'base64url'));
    this.platformId = readAttestationKey(this.attestationKey).platformId;
  }

  launch(image: EnclaveImage): LaunchedEnclave {
    this.#key();
    const identity = identityOf(image);
    const { platformId, counters } = this;
    return {
      identity,
      platformId,
      counters,
      sealingKey: (request) => this.#sealingKey(identity, request),
      quote: (request) => this.#quote(identity, request),
    };
  }

  close(): void {
    sodium_memzero(this.#secret);
    this.counters.close();
    this.#signingKey = undefined;
  }

  async #quote(identity: EnclaveIdentity, request: QuoteRequest): Promise<string> {
    const { platformId } = this;
    return signQuote(this.#key(), { platformId, identity, issuedAtMs: this.#clock.wallMs() }, request);
  }

  #sealingKey(identity: EnclaveIdentity, request: SealingKeyRequest): Buffer {
    this.#key();
    const { label, salt, policy } = request;
    if (!isSealingLabel(label) || salt.length !== SEALING_SALT_BYTES) {
      const message = `a sealing key is for a label and a salt of ${SEALING_SALT_BYTES} bytes`;
      throw new ProtegoError('ENCLAVE_BLOB_INVALID', message, { label });
    }
    const { holder, from, securityVersion } = boundTo(identity, request);
    const numbers = Buffer.alloc(5);
    numbers.writeUInt8(POLICY_NUMBERS[policy]);
    numbers.writeUInt32BE(securityVersion, 1);
    // All but the label have a fixed length, so that no two requests are spelled alike.
    const context = Buffer.concat([numbers, holder, from, Buffer.from(label, 'latin1')]);
    return deriveKey(this.#secret, 'sealing-key/1', KEY_BYTES, { salt, context });
  }

  #key(): KeyObject {
    if (this.#signingKey === undefined) throw new ProtegoError('ENCLAVE_CLOSED', 'the platform was closed');
    return this.#signingKey;
  }
}

/** Whom a key belongs to, after it is sure that the enclave that asks may have it. */
function boundTo(
  identity: EnclaveIdentity,
  request: SealingKeyRequest,
): { holder: Buffer; from: Buffer; securityVersion: number } {
  switch (request.policy) {
    case 'measurement':
      return { holder: identity.measurement, from: NO_MEASUREMENT, securityVersion: 0 };
    case 'code':
      return { holder: identity.codeMeasurement, from: NO_MEASUREMENT, securityVersion: 0 };
    case 'signer': {
      const { securityVersion } = request;
      if (securityVersion > identity.securityVersion) {
        const message = `security version ${securityVersion} is beyond ${identity.securityVersion}, that of this enclave`;
        throw new ProtegoError('ENCLAVE_VERSION_TOO_OLD', message, { securityVersion });
      }
      return { holder: signerScopeOf(identity), from: NO_MEASUREMENT, securityVersion };
    }
    case 'migration': {
      const { from, to } = request;
      if (from.length !== to.length || ![from, to].some((side) => side.equals(identity.measurement))) {
        throw new ProtegoError('ENCLAVE_MEASUREMENT_MISMATCH', 'this enclave is neither side of the migration');
      }
      return { holder: to, from, securityVersion: 0 };
    }
  }
}
