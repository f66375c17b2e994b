import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { type GuardedBytes } from '../memory/guarded-memory';
import { type LaunchedEnclave } from '../platform/platform';
import { HeldSecrets, type UnlockFile } from '../unlock/unlock-files';
import { ROOT_FILE, SEALED_ROOT_FILE, isRootSealed, readPlainRoot } from './root-files';
import { openSealedRoot, type FactorKinds } from './sealed-root';

/** How the root secret of a log is kept; shows nothing secret. */
export interface RootCustody {
  /** In a file for its owner, or sealed to a platform and the code of the enclave. */
  readonly kept: 'file' | 'sealed';
  /** Kinds of the secrets that unlock it beside the platform, in their order. */
  readonly factors: FactorKinds;
}

/** What opens a root that is sealed. */
export interface RootAccess {
  /** This enclave on its platform. */
  readonly enclave?: LaunchedEnclave;
  /** Files with the unlock secrets, in their order; they are read only when the root needs them. */
  readonly unlock?: readonly UnlockFile[];
}

/** A root secret, and how it is kept. */
export interface OpenedRoot {
  /** 32 bytes; the caller frees it. */
  readonly root: GuardedBytes;
  readonly custody: RootCustody;
}

/**
 * Opens the root secret of a key directory, however it is kept.
 *
 * @throws ProtegoError `LOG_KEY_MISSING`, `LOG_KEYS_DAMAGED`; `ENCLAVE_ROOT_AMBIGUOUS` when it is there in both forms; for a
 *   sealed one `ENCLAVE_NOT_ATTESTED` without a platform, `ENCLAVE_UNLOCK_INVALID`, and as `openSealedRoot`
 */
export async function openRoot(directory: string, { enclave, unlock = [] }: RootAccess): Promise<OpenedRoot> {
  if (!isRootSealed(directory)) {
    return { root: await readPlainRoot(directory), custody: { kept: 'file', factors: [] } };
  }
  if (existsSync(join(directory, ROOT_FILE))) throw keptTwice(directory);
  if (enclave === undefined) throw withoutPlatform(directory);
  let held: HeldSecrets | undefined;
  try {
    const { root, factors } = await openSealedRoot(enclave, directory, async () => {
      held = await HeldSecrets.read(unlock);
      return held.secrets;
    });
    return { root, custody: { kept: 'sealed', factors } };
  } finally {
    held?.free();
  }
}

function keptTwice(directory: string): ProtegoError {
  const message =
    `\`${directory}\` has both \`${ROOT_FILE}\` and \`${SEALED_ROOT_FILE}\`: if sealing was interrupted, run ` +
    `\`protego enclave seal\` again as before, which ends it and removes \`${ROOT_FILE}\`; to stay unsealed, move \`${SEALED_ROOT_FILE}\` away`;
  return new ProtegoError('ENCLAVE_ROOT_AMBIGUOUS', message, { directory });
}

function withoutPlatform(directory: string): ProtegoError {
  const message = `the root secret in \`${directory}\` is sealed, and opens only in an enclave on its platform: name its directory`;
  return new ProtegoError('ENCLAVE_NOT_ATTESTED', message, { directory });
}
