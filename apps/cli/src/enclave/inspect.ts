import { Command } from 'commander';
import type { EnclaveInspection, ProcessInspection } from '@protego/enclave';
import { Terminal } from '../terminal';
import { EMULATED, EMULATED_LINE } from './emulated';
import { rootLine } from './seal';
import { askEnclave, withRunningEnclave, type RunningEnclaveOptions } from './running-enclave';

/** `protego enclave inspect`. */
export function inspectCommand(): Command {
  const command = new Command('inspect').description(
    'Show what the enclave of a log is made of and does: measurement, processes, calls, keys in numbers, and how its memory is protected. It shows no key and no name.',
  );
  return withRunningEnclave(command, 'protego enclave inspect --log .protego/log').action(
    (options: RunningEnclaveOptions) => inspect(options),
  );
}

async function inspect(options: RunningEnclaveOptions): Promise<void> {
  const { owner, answer } = await askEnclave<EnclaveInspection>(
    options,
    (enclave) => enclave.inspect(),
    (engine, origin) => engine.ask(origin, 'enclave-inspect', {}),
  );
  new Terminal(options.json).result({ ...EMULATED, enclave: owner, ...answer }, [
    EMULATED_LINE,
    `enclave: ${owner === 'engine' ? 'that of the engine' : 'started for this command, for reading'}`,
    ...linesOf(answer),
  ]);
}

function linesOf({ identity, root, vault, processes }: EnclaveInspection): string[] {
  const { staff, patient, month } = vault.keys;
  return [
    ...(identity === null
      ? ['not attested: it runs on no platform']
      : [
          `measurement: ${identity.measurement}, over ${identity.files} files and the configuration`,
          `debug: ${identity.isDebug ? 'yes' : 'no'}`,
          `platform: ${identity.platformId}`,
        ]),
    rootLine(root),
    `vault: ${vault.slots} of ${vault.slotsMax} slots; keys of ${staff} staff, ${patient} patients, ${month} months`,
    ...processes.flatMap(processLines),
  ];
}

function processLines({ role, pid, uptimeMs, callsServed, callsFailed, ...memory }: ProcessInspection): string[] {
  const { guardedMemory, keyMemory } = memory;
  const { isLocked, guardedBytes, unlockedBytes, lockLimitBytes, warning } = guardedMemory;
  const limit = lockLimitBytes === null ? '' : `, limit ${lockLimitBytes}`;
  return [
    `${role} ${pid}: up ${Math.round(uptimeMs / 1_000)} s, ${callsServed} calls, ${callsFailed} of them refused`,
    `  guarded memory: ${guardedBytes} bytes, ${isLocked ? 'locked' : `${unlockedBytes} not locked`}${limit}`,
    ...(warning === undefined ? [] : [`  warning: ${warning}`]),
    ...memoryLines(keyMemory),
  ];
}

function memoryLines({ storedPages, pageBytes, sha256, excerpt, ...counts }: ProcessInspection['keyMemory']): string[] {
  const { hits, misses, hitRate, evictions, reEncryptions, faults, cachedPages } = counts;
  return [
    `  memory of the keys: ${storedPages} pages of ${pageBytes} bytes as ciphertext, ${cachedPages} as plaintext in guarded memory`,
    `    ${hits} hits, ${misses} misses (hit rate ${(100 * hitRate).toFixed(2)} %), ${evictions} evictions, ${reEncryptions} encryptions, ${faults} faults`,
    `    image, SHA-256 ${sha256}`,
    ...excerpt.map(({ page, ciphertext, tag }) => `    page ${page}: ${ciphertext}… tag ${tag}`),
  ];
}
