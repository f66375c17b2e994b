import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { overwritingFreedMemory } from '@protego/enclave';
import { installationRoot } from '../installation';

/** Longer than the engine gives itself. */
const STOP_TIMEOUT_MS = 12_000;

/** What the engine says when it takes events in. */
export interface EngineReady {
  /** Where HTTP listens. */
  readonly url: string;
  /** Records in its log. */
  readonly records: number;
}

/** The engine as child process; it stops by itself when this process dies. */
export class EngineProcess {
  private constructor(
    readonly child: ChildProcess,
    /**
     * Resolves when it takes events in; rejects with ProtegoError `INTERNAL` when it ends before that, its own message
     * standing on standard error.
     */
    readonly ready: Promise<EngineReady>,
  ) {}

  /** Starts the engine. */
  static spawn(configPath: string): EngineProcess {
    const program = join(installationRoot(), 'dist', 'apps', 'engine', 'src', 'main.js');
    // Its own group: Ctrl-C reaches this process only, which then stops the engine in order.
    const child = spawn(process.execPath, [program, configPath], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      detached: true,
      // Freed buffers of messages would keep names of patients until something else is written there.
      env: overwritingFreedMemory(process.env),
    });
    return new EngineProcess(child, readyOf(child));
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

function readyOf(child: ChildProcess): Promise<EngineReady> {
  const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> });
  return new Promise((resolve, reject) => {
    // Its remarks are passed on for as long as it runs: a pipe that nobody empties would fill up and halt it.
    lines.on('line', (line) => {
      if (line.startsWith('{"ready":true')) resolve(JSON.parse(line) as EngineReady);
      else process.stderr.write(`${line}\n`);
    });
    lines.on('close', () => reject(new ProtegoError('INTERNAL', 'the engine ended before it was ready')));
  });
}
