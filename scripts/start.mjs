// `npm start [-- ARGUMENTS]`: sets up what is missing, then runs `protego up --demo` until it ends or is told to.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { ROOT, ensureBuild, ensureDependencies, main, requireNode } from './setup.mjs';

const PARENT_POLL_MS = 500;
/** A child that has not ended this long after it was told to is killed. */
const STOP_MS_MAX = 20_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

// Read before set-up, which takes long enough for the parent to be killed meanwhile.
const parent = process.ppid;

function supervise(args) {
  // A process group of its own: Ctrl-C reaches every process of the terminal's group, and npm passes it on once more. The
  // child gets exactly one signal, from here. The IPC channel tells it when this process is gone without a word.
  const child = spawn(process.execPath, [path.join(ROOT, 'dist/apps/cli/src/main.js'), 'up', '--demo', ...args], {
    cwd: ROOT,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  let isStopping = false;
  const stop = (signal) => {
    if (isStopping) return;
    isStopping = true;
    child.kill(signal);
    setTimeout(() => {
      console.error(`protego did not stop within ${STOP_MS_MAX / 1000} s and is killed`);
      child.kill('SIGKILL');
    }, STOP_MS_MAX).unref();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  // A killed parent sends no signal; only the changed parent id tells.
  setInterval(() => process.ppid !== parent && stop('SIGTERM'), PARENT_POLL_MS).unref();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

await main(async () => {
  requireNode();
  await ensureDependencies();
  await ensureBuild();
  process.exit(await supervise(process.argv.slice(2)));
});
