import { type EnclaveIdentity, type EnclaveImage } from '../measurement/enclave-identity';
import { type AttestationKey } from '../attestation/attestation-key';
import { type QuoteRequest } from '../attestation/quote';

/** Length of the random part of a sealing key's derivation, bytes. */
export const SEALING_SALT_BYTES = 32;

/** Counters that never go back, not even over a restart. A counter that was never touched is 0. */
export interface MonotonicCounters {
  /**
   * Value of a counter.
   *
   * @param options `expectedAtLeast`: value that a keeper outside this machine saw; the only thing that shows when
   *   the counters were put back together with all that they guard
   * @throws ProtegoError `ENCLAVE_ROLLED_BACK` when the counter is lower than it was seen; `ENCLAVE_PLATFORM_DAMAGED`;
   *   `ENCLAVE_COUNTER_REFUSED`
   */
  read(name: string, options?: { expectedAtLeast?: number }): Promise<number>;
  /**
   * Adds one, durably, and returns the new value.
   *
   * @throws ProtegoError as `read`, and those of the disk
   */
  increment(name: string): Promise<number>;
  /**
   * Raises a counter to a value, durably; one that is there already stays.
   *
   * @throws ProtegoError as `increment`
   */
  advance(name: string, value: number): Promise<void>;
  /** Wipes the key that authenticates them; they cannot be used any more. */
  close(): void;
}

/** Which key of the platform an enclave asks for. All are bound to the enclave that asks. */
export type SealingKeyRequest = {
  /** Sets keys of different purposes apart: at most 128 bytes. */
  readonly label: string;
  /** 32 random bytes. */
  readonly salt: Buffer;
} & (
  | { readonly policy: 'measurement' }
  | { readonly policy: 'code' }
  | {
      readonly policy: 'signer';
      /** Not beyond that of the enclave: an old version cannot have the keys of a newer one. */
      readonly securityVersion: number;
    }
  | {
      readonly policy: 'migration';
      /** Measurement of the enclave that seals, 32 bytes. */
      readonly from: Buffer;
      /** Measurement of the enclave that opens, 32 bytes. The enclave that asks is one of the two. */
      readonly to: Buffer;
    }
);

/** An enclave as the platform runs it. What it gets from the platform, it gets for its own identity only. */
export interface LaunchedEnclave {
  readonly identity: EnclaveIdentity;
  /** Thumbprint of the platform's attestation key (RFC 7638), 32 bytes. */
  readonly platformId: Buffer;
  readonly counters: MonotonicCounters;
  /**
   * Key of 32 bytes that the same platform gives to the same enclave, or to those that the policy names, again. The
   * caller wipes it.
   *
   * @throws ProtegoError `ENCLAVE_SIGNER_MISMATCH` without a signer; `ENCLAVE_VERSION_TOO_OLD`;
   *   `ENCLAVE_MEASUREMENT_MISMATCH`; `ENCLAVE_BLOB_INVALID` for a label or salt of another form; `ENCLAVE_CLOSED`
   */
  sealingKey(request: SealingKeyRequest): Buffer;
  /**
   * Evidence of who the enclave is, as an EAT (RFC 9711) in JWS compact form. The platform fills in identity, debug
   * mode and time; the rest is what the enclave says.
   *
   * @throws ProtegoError `ATTESTATION_INVALID` for a request of another form; `ENCLAVE_CLOSED`
   */
  quote(request: QuoteRequest): Promise<string>;
}

/** What hardware with a trusted execution environment would be. */
export interface Platform {
  /** Thumbprint of the attestation key (RFC 7638), 32 bytes. */
  readonly platformId: Buffer;
  /**
   * Public key of the quotes. Verifiers get it by another way than the quotes: it stands for the maker's certificate
   * chain.
   */
  readonly attestationKey: AttestationKey;
  readonly counters: MonotonicCounters;
  /**
   * Measures an enclave, checks what its author signed and starts it.
   *
   * @throws ProtegoError `ENCLAVE_SIGNATURE_INVALID`, `ENCLAVE_MEASUREMENT_INVALID`, `ENCLAVE_CLOSED`
   */
  launch(image: EnclaveImage): LaunchedEnclave;
  /** Wipes the secret; what is asked of the platform or its enclaves afterwards throws `ENCLAVE_CLOSED`. */
  close(): void;
}
