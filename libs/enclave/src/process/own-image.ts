import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { measureLoadedCode } from '../measurement/loaded-code';
import type { MeasuredManifest } from '../measurement/measure';
import type { EnclaveStart } from './enclave-start';

const BUILD_DIRECTORY = join(__dirname, '../../../..');
const INSPECTOR_FLAG = /^--(inspect|debug)/;

/** What this process is measured as. */
export interface OwnImage {
  readonly manifest: MeasuredManifest;
  /**
   * Refuses when the process is no longer what was measured.
   *
   * @throws ProtegoError `ENCLAVE_MEASUREMENT_INVALID` when code was loaded since, or somebody looks into the process
   */
  mustHold(): void;
}

/** Whether this process can be looked into: for a flag of its own, or because its starter wants it so. */
export function isDebugProcess(start: Pick<EnclaveStart, 'isDebug'>): boolean {
  return start.isDebug === true || nodeFlags().some(isInspectorFlag) || inspectorUrl() !== undefined;
}

/**
 * Measures this process: the code that it has loaded, and what it was started with. Directories are left out: they decide whose
 * keys are used, and not what is done with them.
 *
 * @throws ProtegoError `ENCLAVE_MEASUREMENT_INVALID`
 */
export async function measureThisProcess(start: EnclaveStart): Promise<OwnImage> {
  // What is loaded on first use has to be there to be measured.
  await import('jose');
  const loaded = loadedFiles();
  const isDebug = isDebugProcess(start);
  const configuration = {
    fields: start.fields === undefined ? null : sha256Of(start.fields.text),
    gate: start.gate ?? null,
    mode: start.mode,
    processes: start.processes,
    // A preload or a loader is code too.
    nodeFlags: nodeFlags().filter((flag) => !isInspectorFlag(flag)),
  };
  const manifest = await measureLoadedCode(loaded, codePlaces(), configuration, { isDebug });
  return {
    manifest,
    mustHold() {
      const added = loadedFiles().length - loaded.length;
      if (added > 0) throw changed(`${added} files of code were loaded after it was measured`);
      if (!isDebug && inspectorUrl() !== undefined) throw changed('somebody looks into it');
    },
  };
}

function codePlaces(): { build: string; packages: string[] } {
  const packages = (require.resolve.paths('protego') ?? []).filter((path) => existsSync(path));
  return { build: realpathSync(BUILD_DIRECTORY), packages: [...new Set(packages.map((path) => realpathSync(path)))] };
}

function loadedFiles(): string[] {
  return Object.keys(require.cache);
}

function nodeFlags(): string[] {
  return [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)].filter((flag) => flag !== '');
}

function isInspectorFlag(flag: string): boolean {
  return INSPECTOR_FLAG.test(flag);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function changed(what: string): ProtegoError {
  const message = `the enclave is not what was measured: ${what}; start it anew`;
  return new ProtegoError('ENCLAVE_MEASUREMENT_INVALID', message);
}
