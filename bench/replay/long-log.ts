import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Say } from '../bench-case';
import { CACHE, ROOT } from '../places';

/** The command line as it was built. */
export const PROTEGO = join(ROOT, 'dist/apps/cli/src/main.js');
/** Names the directory of a log to replay; without it one is made, which takes half an hour and 4 GB, and is kept. */
export const LOG_VARIABLE = 'PROTEGO_BENCH_LOG';

/** Days of a hospital of 300 beds that have ten million events. */
const DAYS = 102;
const HOSPITAL = ['--scenario', 'general', '--seed', '7', '--set', 'wards=12', '--set', 'bedsPerWard=25'];

/** Directory of a log of some ten million events, with personal fields sealed as an import seals them. */
export function longLog(say: Say): string {
  const named = process.env[LOG_VARIABLE];
  if (named !== undefined && named !== '') return named;
  const root = join(CACHE, 'bench', `hospital-${DAYS}-days`);
  const log = join(root, 'log');
  // Written last: what an interrupted run left is made anew.
  const done = join(root, 'done');
  if (existsSync(done)) return log;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const history = join(root, 'history');
  say(`replay: simulating ${DAYS} days of 300 beds; ${LOG_VARIABLE} names a log that is there`);
  protego('simulate', ...HOSPITAL, '--days', String(DAYS), '--out', history);
  say('replay: importing them');
  protego('import', '--log', log, '--format', 'cloudevents', join(history, 'events.ndjson.gz'));
  rmSync(history, { recursive: true });
  writeFileSync(done, '');
  return log;
}

function protego(...args: readonly string[]): void {
  execFileSync(process.execPath, [PROTEGO, ...args], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}
