import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { ProtegoError } from '@protego/contracts';
import {
  isDirectoryLocked,
  keysDirectoryOf,
  openEnclave,
  platformDirectoryOf,
  type Enclave,
  type EnclaveOptions,
} from '@protego/enclave';
import { ENGINE_OPTION_HELP, engineOf, type EngineClient, type EngineOptions } from '../log/engine-client';
import { unlockFilesOf } from '../log/key-options';
import { originOf, withLog, type LogOptions } from '../log/open-log';

/** Options of commands that ask a running enclave. */
export type RunningEnclaveOptions = EngineOptions;

/** Whose enclave it was: that of the engine that writes the log, or one that was started for the command. */
export type EnclaveOwner = 'engine' | 'command';

/** Gives a command the options of {@link RunningEnclaveOptions}. */
export function withRunningEnclave(command: Command, example: string): Command {
  return withLog(command, example, 'never').option('--engine <url>', ENGINE_OPTION_HELP);
}

/**
 * Asks the engine that writes the log for what its enclave says; when nobody writes it, starts an enclave that reads, and asks
 * that one.
 *
 * @throws ProtegoError `LOG_LOCKED` when another process writes the log and no engine can be asked; as `openEnclave`
 */
export async function askEnclave<T>(
  options: RunningEnclaveOptions,
  here: (enclave: Enclave) => Promise<T>,
  inEngine: (engine: EngineClient, origin: string) => Promise<T>,
): Promise<{ owner: EnclaveOwner; answer: T }> {
  const keysDirectory = keysDirectoryOf(options.log, options.keys);
  if (options.engine !== undefined || (await isWritten(keysDirectory))) {
    const engine = engineOf(options);
    if (engine === undefined) throw writtenByAnother(options.log);
    return { owner: 'engine', answer: await inEngine(engine, originOf(options)) };
  }
  const answer = await withOwnEnclave(readingEnclave(options), here);
  return { owner: 'command', answer };
}

/** An enclave on the platform of a log, for reading. */
export function readingEnclave(options: LogOptions): EnclaveOptions {
  const directory = keysDirectoryOf(options.log, options.keys);
  const platformDirectory = platformDirectoryOf(options.log, directory, options.platform);
  return { directory, mode: 'read', platformDirectory, unlock: unlockFilesOf(options) };
}

/** Lends an enclave that was started for it. */
export async function withOwnEnclave<T>(options: EnclaveOptions, use: (enclave: Enclave) => Promise<T>): Promise<T> {
  const enclave = await openEnclave(options);
  try {
    return await use(enclave);
  } finally {
    await enclave.close();
  }
}

async function isWritten(keysDirectory: string): Promise<boolean> {
  return existsSync(keysDirectory) && isDirectoryLocked(keysDirectory, 'keys');
}

function writtenByAnother(log: string): ProtegoError {
  const message = `another process writes \`${log}\`, and its enclave is the one to ask: name its bus with --engine`;
  return new ProtegoError('LOG_LOCKED', message, { log });
}
