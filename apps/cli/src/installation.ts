import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

/** Directory that Protego was installed in: the one above whose package.json names it. */
export function installationRoot(): string {
  for (let directory = __dirname; directory !== dirname(directory); directory = dirname(directory)) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'protego')
      return directory;
  }
  throw new Error(`no package.json of protego above ${__dirname}`);
}

/** Rules, declarations and policies that are shipped. */
export function shippedStreamsDir(): string {
  return join(installationRoot(), 'streams');
}

/** Environment variable that names another file for the key of tokens. */
const PSEUDONYM_KEY_VARIABLE = 'PROTEGO_PSEUDONYMKEYFILE';

/**
 * File with the key of tokens that the logs of this installation share, so that a person goes by one token in each of
 * them; undefined where the installation cannot be written: then each log has tokens of its own.
 */
export function pseudonymKeyFile(): string | undefined {
  const named = process.env[PSEUDONYM_KEY_VARIABLE];
  if (named !== undefined && named !== '') return named;
  const root = installationRoot();
  try {
    accessSync(root, constants.W_OK);
  } catch {
    return undefined;
  }
  return join(root, '.protego', 'pseudonym.key');
}

/** SHA-256 (hex) of the built code that decides what the pipeline makes of events. */
export function engineHash(): string {
  const built = join(installationRoot(), 'dist');
  const files = ['streams/src', 'libs/contracts/src'].flatMap((part) => codeFilesIn(join(built, part)));
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const content = createHash('sha256').update(readFileSync(file)).digest('hex');
    hash.update(`${relative(built, file).split(sep).join('/')} ${content}\n`);
  }
  return hash.digest('hex');
}

function codeFilesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(directory, name));
}
