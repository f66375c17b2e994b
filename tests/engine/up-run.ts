import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import type { ProtegoEvent } from '@protego/contracts';
import { PROTEGO, ROOT, until } from './engine-house';

const START_MS_MAX = 60_000;

/** Command lines of running processes that name a path. */
export function processesNaming(path: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        // The process itself may be a parent that was given the path as an argument.
        return line.includes(path) && Number(pid) !== process.pid ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });
}

/** Runs the command line to its end. */
export function protego(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], { encoding: 'utf8', cwd: ROOT });
  return { status, output: stdout + stderr };
}

/** A new directory for `--data`. */
export const newDataDirectory = (): string => mkdtempSync(join(tmpdir(), 'protego-up-'));

/** Ends whatever still runs on a directory, and removes it. */
export function clearDataDirectory(data: string): void {
  for (const line of processesNaming(data)) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
  rmSync(data, { recursive: true, force: true });
}

/** A running `protego up`. */
export class UpRun {
  output = '';
  remarks = '';
  readonly #ended: Promise<number | null>;

  private constructor(
    readonly child: ChildProcess,
    private readonly data: string,
  ) {
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.remarks += chunk.toString()));
    this.#ended = new Promise((resolve) => child.once('exit', resolve));
  }

  /** Starts `protego up` with JSON output in a process group of its own. */
  static start(data: string, ...options: string[]): UpRun {
    const args = [PROTEGO, 'up', '--json', '--data', data, ...options];
    return new UpRun(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true }), data);
  }

  /** Starts a program that starts `protego up` and holds a channel to it, as `npm start` does. */
  static startUnderParent(data: string): UpRun {
    const args = JSON.stringify([PROTEGO, 'up', '--json', '--data', data]);
    const options = `{ stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true }`;
    const code = `require('node:child_process').spawn(process.execPath, ${args}, ${options})`;
    return new UpRun(spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'pipe'] }), data);
  }

  /** Resolves with the exit code. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Waits until it has said something. */
  async said(text: string): Promise<void> {
    const isThere = (): boolean => this.remarks.includes(text) || this.child.exitCode !== null;
    await until(isThere, `\`${text}\` in: ${this.remarks}`, START_MS_MAX);
    if (!this.remarks.includes(text)) throw new Error(`ended without \`${text}\`: ${this.remarks}`);
  }

  /** Detections that it printed. */
  printed(): ProtegoEvent[] {
    const lines = this.output.split('\n').slice(0, -1);
    return lines.map((line) => (JSON.parse(line) as { detection: ProtegoEvent }).detection);
  }

  /** Connects another program, with nothing but the file that `up` wrote for it. */
  async connectSubscriber(): Promise<NatsConnection> {
    const path = join(this.data, 'nats', 'subscriber.url');
    await until(() => existsSync(path) && this.remarks !== undefined, path);
    const { host, username, password } = new URL(readFileSync(path, 'utf8').trim());
    return connect({ servers: host, user: username, pass: password, inboxPrefix: `_INBOX_${username}` });
  }
}
