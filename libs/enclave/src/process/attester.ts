import { ProtegoError } from '@protego/contracts';
import { offerChannel } from '../attestation/attested-channel';
import type { MemoryState } from '../attestation/quote';
import { guardedMemoryState, type GuardedMemoryState } from '../memory/guarded-memory-state';
import { openPlatform } from '../platform/open-platform';
import type { LaunchedEnclave, Platform } from '../platform/platform';
import type { OwnImage } from './own-image';

/** What an enclave calls itself in quotes; what it is, the measurement says. */
const SOFTWARE = { name: 'protego-enclave', version: '1' };
const LIFETIME_MS = 300_000;
const WARNING_LENGTH_MAX = 512;

/** Who an enclave is, as `inspect` tells. */
export interface AttesterFacts {
  /** Thumbprint of the platform's key (RFC 7638), hex. */
  readonly platformId: string;
  /** Hex. */
  readonly measurement: string;
  readonly isDebug: boolean;
  /** What of its start entered the measurement, beside the code. */
  readonly configuration: unknown;
  /** Number of files of code that were measured. */
  readonly files: number;
}

/** Attester of RFC 9334: the enclave on its platform. */
export class Attester {
  private constructor(
    private readonly platform: Platform,
    private readonly image: OwnImage,
    private readonly enclave: LaunchedEnclave,
  ) {}

  /**
   * Opens the platform of a directory, or makes it, and launches this process on it.
   *
   * @param options `mustExist`: makes no platform, which would open nothing
   * @throws ProtegoError as `openPlatform`
   */
  static async open(
    directory: string,
    image: OwnImage,
    { mustExist = false }: { mustExist?: boolean } = {},
  ): Promise<Attester> {
    const platform = await openPlatform({ directory, mustExist });
    return new Attester(platform, image, platform.launch({ manifest: image.manifest }));
  }

  /** 32 bytes. */
  get measurement(): Buffer {
    return this.enclave.identity.measurement;
  }

  get isDebug(): boolean {
    return this.enclave.identity.isDebug;
  }

  get facts(): AttesterFacts {
    const { manifest } = this.image;
    return {
      platformId: this.enclave.platformId.toString('hex'),
      measurement: this.measurement.toString('hex'),
      isDebug: this.isDebug,
      configuration: manifest.configuration,
      files: manifest.files.length,
    };
  }

  /**
   * A quote that answers a verifier's nonce. It is evidence only: the key of its channel is wiped.
   *
   * @throws ProtegoError `ATTESTATION_INVALID` for a nonce of another length; `ENCLAVE_MEASUREMENT_INVALID` when the process
   *   is no longer what was measured
   */
  async quote(nonce: Buffer): Promise<string> {
    this.image.mustHold();
    const memory = quotedMemory(guardedMemoryState());
    const request = { nonce, memory, software: SOFTWARE, lifetimeMs: LIFETIME_MS };
    const offer = await offerChannel(this.enclave, request);
    offer.withdraw();
    return offer.quote;
  }

  /**
   * This enclave as the platform runs it, for sealing and opening.
   *
   * @throws ProtegoError `ENCLAVE_MEASUREMENT_INVALID` when the process is no longer what was measured
   */
  launched(): LaunchedEnclave {
    this.image.mustHold();
    return this.enclave;
  }

  /** Wipes the secret of the platform. */
  close(): void {
    this.platform.close();
  }
}

/**
 * The attester of an enclave that may have none.
 *
 * @throws ProtegoError `ENCLAVE_NOT_ATTESTED`
 */
export function requireAttester(attester: Attester | undefined): Attester {
  if (attester !== undefined) return attester;
  throw new ProtegoError('ENCLAVE_NOT_ATTESTED', 'the enclave runs on no platform, so nothing signs its quotes');
}

function quotedMemory({ isLocked, lockLimitBytes, warning }: GuardedMemoryState): MemoryState {
  return {
    isLocked,
    lockLimitBytes: lockLimitBytes === null || !Number.isFinite(lockLimitBytes) ? null : lockLimitBytes,
    ...(warning === undefined ? {} : { warning: warning.slice(0, WARNING_LENGTH_MAX) }),
  };
}
