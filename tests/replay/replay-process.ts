import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const PROTEGO = join(ROOT, 'dist/apps/cli/src/main.js');

/** How a command ended. */
export interface CommandEnd {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `protego` and waits for its end. */
export function protego(...args: readonly string[]): CommandEnd {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], {
    encoding: 'utf8',
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, stdout, stderr };
}

/** Starts `protego` and leaves it running. */
export function startProtego(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [PROTEGO, ...args], { cwd: ROOT, stdio: 'ignore' });
}

/** The end of a process: its exit code or signal. */
export function endOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal ?? code)));
}
