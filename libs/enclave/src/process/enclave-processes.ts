import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { CallChannel } from './call-channel';
import { nodeFlagsOf } from './enclave-start';
import { FrameChannel } from './frame-channel';
import { overwritingFreedMemory } from './freed-memory';

const ENTRY = join(__dirname, 'enclave-main.js');
const STARTER_FD = 3;
const EXIT_MS = 10_000;

/** How the processes of an enclave are started. */
export interface ProcessesOptions {
  /** Number of channels: one to the keeper, and one to each replica that it starts. */
  readonly processes: number;
  /** Lets the inspector of Node in. */
  readonly isDebug?: boolean;
  /** Script of an enclave process; only a test has another. */
  readonly entry?: string;
  /** Told once when a process ends that was not asked to. */
  readonly onLost?: (error: ProtegoError) => void;
}

/** The processes of an enclave, as their starter has them. */
export interface EnclaveProcesses {
  /** That of the keeper first. */
  readonly channels: readonly CallChannel[];
  readonly keeperPid: number;
  /** Ends the processes, and resolves when they are gone. */
  end(): Promise<void>;
}

/**
 * Starts the keeper of an enclave, which starts the rest.
 *
 * @throws ProtegoError `ENCLAVE_LOST` when there is no such script
 */
export function startProcesses({ processes, isDebug, entry = ENTRY, onLost }: ProcessesOptions): EnclaveProcesses {
  if (!existsSync(entry)) throw new ProtegoError('ENCLAVE_LOST', `\`${entry}\` is missing: run \`npm run build\``);
  const sockets = Array.from({ length: processes }, () => 'pipe' as const);
  const child = spawn(process.execPath, [...nodeFlagsOf(isDebug === true ? { isDebug } : {}), entry], {
    stdio: ['ignore', 'ignore', 2, ...sockets],
    env: overwritingFreedMemory({}),
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const state = { isClosing: false };
  const lost = (): void => {
    if (state.isClosing) return;
    state.isClosing = true;
    onLost?.(new ProtegoError('ENCLAVE_LOST', 'a process of the enclave ended'));
  };
  child.once('error', lost);
  const channels = sockets.map((_, i) => {
    const socket = child.stdio[STARTER_FD + i] as Socket;
    const answer = (): Promise<never> =>
      Promise.reject(new ProtegoError('ENCLAVE_CALL_INVALID', 'nothing is served here'));
    return new CallChannel((listener) => FrameChannel.overSocket(socket, listener), { answer, onEnd: lost });
  });
  return {
    channels,
    keeperPid: child.pid ?? 0,
    async end() {
      state.isClosing = true;
      for (const channel of channels) channel.finish();
      const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
