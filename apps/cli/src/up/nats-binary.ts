import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ProtegoError, messageOf } from '@protego/contracts';

const DOWNLOAD_TIMEOUT_MS = 120_000;

/**
 * Path of a nats-server: from the PATH, else from the cache, else Debian's package unpacked into the cache. Nothing is
 * installed into the system and no service is started.
 *
 * @throws ProtegoError `NATS_SERVER_MISSING` with what to install
 */
export function findNatsServer(cacheDir: string, say: (text: string) => void): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, 'nats-server'));
  const cached = join(cacheDir, 'nats-server', 'usr', 'sbin', 'nats-server');
  const found = [...onPath, '/usr/sbin/nats-server', cached].find(isExecutable);
  if (found !== undefined) return found;
  say('nats-server is not installed; unpacking the Debian package into .cache (the system is not changed)');
  unpackDebianPackage(cacheDir);
  if (!isExecutable(cached))
    throw new ProtegoError('NATS_SERVER_MISSING', 'the nats-server package holds no usr/sbin/nats-server');
  return cached;
}

function unpackDebianPackage(cacheDir: string): void {
  mkdirSync(cacheDir, { recursive: true });
  const work = mkdtempSync(join(cacheDir, 'unpack-'));
  const run = (program: string, args: string[]): void => {
    execFileSync(program, args, { cwd: work, stdio: ['ignore', 'ignore', 'pipe'], timeout: DOWNLOAD_TIMEOUT_MS });
  };
  try {
    downloadPackage(run);
    const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get downloaded no package');
    run('dpkg-deb', ['-x', archive, 'root']);
    // Renaming makes it whole or absent for another start that looks at the same moment.
    if (!existsSync(join(cacheDir, 'nats-server'))) renameSync(join(work, 'root'), join(cacheDir, 'nats-server'));
  } catch (error) {
    throw new ProtegoError(
      'NATS_SERVER_MISSING',
      `nats-server is neither on the PATH nor can its package be fetched: ${messageOf(error).slice(0, 500)}`,
      {},
      { cause: error },
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

// A machine whose package lists were never fetched, or are old, needs one refresh first.
function downloadPackage(run: (program: string, args: string[]) => void): void {
  try {
    run('apt-get', ['download', 'nats-server']);
  } catch {
    run('apt-get', ['update', '-qq']);
    run('apt-get', ['download', 'nats-server']);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
