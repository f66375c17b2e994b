import { fork } from 'node:child_process';
import { join } from 'node:path';
import { caseName, type BenchCase, type CaseOutcome } from './bench-case';

/** Measures a case in a process of its own. */
export function runInOwnProcess(entry: BenchCase, rounds: number): Promise<CaseOutcome> {
  // Standard output is for results only, so what a case might print goes to standard error.
  const child = fork(join(__dirname, 'run-case.js'), [caseName(entry), String(rounds)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  return new Promise((resolve) => {
    let outcome: CaseOutcome = { kind: 'failed', message: 'its process ended without a result' };
    child.on('message', (message) => (outcome = message as CaseOutcome));
    child.on('error', (error) => (outcome = { kind: 'failed', message: error.message }));
    child.on('close', () => resolve(outcome));
  });
}
