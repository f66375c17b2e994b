import { ProtegoError, canonicalJson } from '@protego/contracts';
import { signerIdOf } from '../measurement/signed-measurement';
import { type LaunchedEnclave } from '../platform/platform';
import {
  ED25519_PUBLIC_KEY_BYTES,
  ED25519_SIGNATURE_BYTES,
  isEd25519Signature,
  type Ed25519KeyPair,
} from '../primitives/ed25519';
import { unlockMethodOf } from '../unlock/unlock-method';
import { type UnlockSecret } from '../unlock/unlock-secret';
import { unwrapRoot } from '../unlock/wrapped-root';
import { openBlob, sealFor, type OpenOptions } from './sealed-blob';

/** An author's word that one enclave may hand a blob to another. */
export interface MigrationGrant {
  readonly format: 1;
  /** Measurement of the enclave that has the blob, hex. */
  readonly from: string;
  /** Measurement of the enclave that gets it, hex. */
  readonly to: string;
  /** Label of the blob. */
  readonly label: string;
  /** The author's raw Ed25519 key, hex. */
  readonly publicKey: string;
  /** Ed25519 over `protego/migration-grant/1`, NUL and the other fields but `publicKey` in canonical JSON; hex. */
  readonly signature: string;
}

/**
 * Who allows a migration: the author of the enclave that has the blob, or the operators, whose secrets unwrap the
 * root that the blob holds.
 */
export type MigrationAuthority =
  | { readonly by: 'author'; readonly grant: MigrationGrant }
  | { readonly by: 'operators'; readonly secrets: readonly UnlockSecret[] };

/** What is migrated, where to and who allows it. */
export interface MigrateOptions extends OpenOptions {
  /** Measurement of the enclave that gets the blob, 32 bytes. */
  readonly to: Buffer;
  readonly authority: MigrationAuthority;
}

const DOMAIN = 'protego/migration-grant/1\0';
const MEASUREMENT_BYTES = 32;

/** Allows a migration as the author of the enclave that has the blob. */
export function signMigrationGrant(
  author: Pick<Ed25519KeyPair, 'publicKey' | 'sign'>,
  { from, to, label }: { from: Buffer; to: Buffer; label: string },
): MigrationGrant {
  const fields = { format: 1, from: from.toString('hex'), to: to.toString('hex'), label } as const;
  const signature = author.sign(messageOf(fields)).toString('hex');
  return { ...fields, publicKey: author.publicKey.toString('hex'), signature };
}

/**
 * Opens a blob in the enclave that has it and seals its content for one other enclave on this platform, which takes
 * it with `openBlob(…, { migratedFrom })` and then seals it for itself. Once it has, the counter makes the old blob
 * void; until then both stay, so that a migration that fails can be tried again.
 *
 * @throws ProtegoError `ENCLAVE_GRANT_REFUSED`; `ENCLAVE_UNLOCK_REFUSED`; as `openBlob`
 */
export async function migrateBlob(enclave: LaunchedEnclave, blob: Buffer, options: MigrateOptions): Promise<Buffer> {
  const { to, authority, label, counter } = options;
  if (to.length !== MEASUREMENT_BYTES) throw refused(`a measurement has ${MEASUREMENT_BYTES} bytes`);
  if (authority.by === 'author') checkGrant(enclave, authority.grant, to, label);
  const plaintext = await openBlob(enclave, blob, options);
  try {
    if (authority.by === 'operators') await mustUnlock(plaintext, authority.secrets);
    const target = {
      policy: 'migration',
      sealedTo: to,
      from: enclave.identity.measurement,
      securityVersion: 0,
    } as const;
    return await sealFor(enclave, plaintext, target, label, counter);
  } finally {
    plaintext.fill(0);
  }
}

function checkGrant({ identity }: LaunchedEnclave, grant: MigrationGrant, to: Buffer, label: string): void {
  const publicKey = Buffer.from(grant.publicKey, 'hex');
  const signature = Buffer.from(grant.signature, 'hex');
  if (publicKey.length !== ED25519_PUBLIC_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) {
    throw refused('the grant has no key and signature of Ed25519');
  }
  if (identity.signer?.signerId.equals(signerIdOf(publicKey)) !== true) {
    throw refused('the grant is not signed by the author of this enclave');
  }
  // What was signed is made from what is asked for, so a grant for anything else has another signature.
  const asked = { format: 1, from: identity.measurement.toString('hex'), to: to.toString('hex'), label } as const;
  if (!isEd25519Signature(publicKey, messageOf(asked), signature)) {
    throw refused('the grant is for another migration, or was altered');
  }
}

async function mustUnlock(wrapped: Buffer, secrets: readonly UnlockSecret[]): Promise<void> {
  if (unlockMethodOf(wrapped).factors.length === 0) {
    throw refused('the root opens without any secret, so no operator can show one: have the author sign a grant');
  }
  const root = await unwrapRoot(wrapped, secrets);
  root.fill(0);
}

function messageOf(fields: Omit<MigrationGrant, 'publicKey' | 'signature'>): Buffer {
  return Buffer.from(DOMAIN + canonicalJson(fields));
}

function refused(problem: string): ProtegoError {
  return new ProtegoError('ENCLAVE_GRANT_REFUSED', `the migration is refused: ${problem}`);
}
