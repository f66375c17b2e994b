import { parseFieldDeclarations, type FieldClasses } from '@protego/contracts';
import type { HouseKeysOptions } from '../house-keys';
import type { SealRootOptions } from '../root/seal-root';

/** Most processes of one enclave. */
export const ENCLAVE_PROCESSES_MAX = 16;

/** With which a process may be looked into, on a free port of loopback. */
const DEBUG_FLAG = '--inspect=127.0.0.1:0';
/** MiB: parsed messages die young, and are collected with less copying where there is room for a batch of them. */
const YOUNG_GENERATION_FLAG = '--max-semi-space-size=32';

/** Flags of Node for a process of an enclave. */
export function nodeFlagsOf({ isDebug }: Pick<EnclaveStart, 'isDebug'>): string[] {
  return [YOUNG_GENERATION_FLAG, ...(isDebug === true ? [DEBUG_FLAG] : [])];
}

/** What an enclave is started with, as it crosses the border. */
export interface EnclaveStart extends Pick<
  HouseKeysOptions,
  'directory' | 'mode' | 'pseudonymKeyFile' | 'gate' | 'unlock'
> {
  /** Text of the declarations of personal fields, and where it was read. */
  readonly fields?: { readonly text: string; readonly path: string };
  /** Processes that share the work: the keeper of the vault, and replicas. */
  readonly processes: number;
  /** Directory of the platform that the enclave runs on; without it the enclave cannot say who it is. */
  readonly platformDirectory?: string;
  /** True when the enclave may be looked into. */
  readonly isDebug?: boolean;
}

/**
 * Keys that leave the enclave, base64: those of blocks, filters and dedupe hashes, which the writer and readers of the log use
 * for every block. Root secret, keys of persons and tokens, and the signing key stay.
 */
export interface OpenedKeys {
  readonly dataKeys: readonly (readonly [id: number, key: string])[];
  readonly subjectKey: string;
  readonly dedupeKey: string;
  /** Of the signer, raw Ed25519. */
  readonly publicKey: string;
}

/** A root that is to be sealed, as it crosses the border: by paths, never by secrets. */
export interface RootSealing {
  readonly start: EnclaveStart;
  readonly seal: SealRootOptions;
}

/** Which fields are personal, as the starter had read it; undefined when it had read nothing. */
export function fieldClassesOf({ fields }: EnclaveStart): FieldClasses | undefined {
  return fields && parseFieldDeclarations(fields.text, fields.path);
}
