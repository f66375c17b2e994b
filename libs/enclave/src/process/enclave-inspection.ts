import type { GuardedMemoryState } from '../memory/guarded-memory-state';
import type { MemoryImage } from '../memory/memory-image';
import type { RootCustody } from '../root/root-custody';
import type { VaultUse } from '../vault-use';
import type { AttesterFacts } from './attester';

/** One process of an enclave. */
export interface ProcessInspection {
  readonly role: 'keeper' | 'replica';
  readonly pid: number;
  readonly uptimeMs: number;
  readonly callsServed: number;
  /** Those of them that ended with a refusal. */
  readonly callsFailed: number;
  /** Changes of the vault since the start that this process knows of. */
  readonly changes: number;
  /** Memory for secrets that is kept from swap and core dumps; `lockLimitBytes` is null also when there is no limit. */
  readonly guardedMemory: GuardedMemoryState;
  /** The encrypted memory in which the keys of persons lie, as ciphertext, and what it counted. */
  readonly keyMemory: MemoryImage;
}

/** What the process that keeps the vault tells of all. */
export interface KeeperInspection extends ProcessInspection {
  /** Null for an enclave without a platform. */
  readonly identity: AttesterFacts | null;
  readonly root: RootCustody;
  readonly vault: VaultUse;
}

/** An enclave from outside: numbers and hashes, no key and no name. */
export interface EnclaveInspection {
  /** Null for an enclave without a platform. */
  readonly identity: AttesterFacts | null;
  readonly root: RootCustody;
  readonly vault: VaultUse;
  /** The keeper first. */
  readonly processes: readonly ProcessInspection[];
}

/** Puts together what the processes of an enclave tell. */
export function inspectionOf(keeper: KeeperInspection, replicas: readonly ProcessInspection[]): EnclaveInspection {
  const { identity, root, vault, ...process } = keeper;
  return { identity, root, vault, processes: [process, ...replicas] };
}
