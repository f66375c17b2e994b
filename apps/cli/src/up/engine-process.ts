import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { installationRoot } from '../installation';

const STOP_TIMEOUT_MS = 20_000;

/** The engine as child process; it stops by itself when this process dies. */
export class EngineProcess {
  private constructor(
    readonly url: string,
    /** Records in its log when it was ready. */
    readonly records: number,
    readonly child: ChildProcess,
  ) {}

  /**
   * Starts the engine and waits until it takes events in.
   *
   * @throws ProtegoError `INTERNAL` when it ends before it is ready; its own message stands on standard error
   */
  static async start(configPath: string): Promise<EngineProcess> {
    const program = join(installationRoot(), 'dist', 'apps', 'engine', 'src', 'main.js');
    // Its own group: Ctrl-C reaches this process only, which then stops the engine in order.
    const child = spawn(process.execPath, [program, configPath], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      detached: true,
    });
    const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> });
    for await (const line of lines) {
      if (!line.startsWith('{"ready":true')) continue;
      const { url, records } = JSON.parse(line) as { url: string; records: number };
      return new EngineProcess(url, records, child);
    }
    throw new ProtegoError('INTERNAL', 'the engine ended before it was ready');
  }

  /** Asks the engine to stop and waits until it has. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  }

  /** Called once when the engine ends by itself. */
  onExit(listener: (code: number | null) => void): void {
    this.child.once('exit', listener);
  }
}
