// Brings a clean clone to where it can run: the right Node, the locked packages, a current build. Plain Node, because it
// runs before any package is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const NODE_VERSION_MIN = [20, 19];
const LOCK_STAMP = path.join(ROOT, 'node_modules/.protego-lock');
const BUILD_STAMP = path.join(ROOT, 'dist/.protego-build');
const MAIN = path.join(ROOT, 'dist/apps/cli/src/main.js');
const BUILD_INPUTS = [
  'apps',
  'bench',
  'eval',
  'libs',
  'scripts',
  'streams/src',
  'nest-cli.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** A set-up step failed for a reason that the message explains. */
export class SetupError extends Error {}

/** Throws a clear message where Node is too old to run Protego. */
export function requireNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMin, minorMin] = NODE_VERSION_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new SetupError(`Protego needs Node ${NODE_VERSION_MIN.join('.')} or newer; this is Node ${version}.`);
}

/** Installs the locked packages, unless exactly these are installed. */
export async function ensureDependencies() {
  const lockText = readFileSync(path.join(ROOT, 'package-lock.json'));
  const lockHash = createHash('sha256').update(lockText).digest('hex');
  if (readIfExists(LOCK_STAMP) === lockHash) return;
  if (!isInstalled(JSON.parse(lockText.toString()))) await install();
  writeFileSync(LOCK_STAMP, lockHash);
}

// npm writes what it installed to a lock file of its own, so a tree that somebody installed by hand is not installed again.
function isInstalled(lock) {
  const hidden = readIfExists(path.join(ROOT, 'node_modules/.package-lock.json'));
  if (hidden === undefined) return false;
  const installed = JSON.parse(hidden).packages;
  return Object.entries(lock.packages).every(([location, { version, optional, devOptional }]) => {
    if (location === '' || ((optional || devOptional) && !(location in installed))) return true;
    return installed[location]?.version === version && existsSync(path.join(ROOT, location));
  });
}

async function install() {
  console.error('Installing packages (npm ci) …');
  const ci = await npm(['ci']);
  if (ci.status === 0) return;
  if (!/\bEUSAGE\b/.test(ci.errorText)) throw new SetupError(`npm ci failed with exit code ${ci.status}.`);
  // npm ci refuses a lock file that lacks optional packages of other platforms; npm install takes what the file does hold.
  console.error(
    'npm ci refused package-lock.json for the reason above; trying npm install, which leaves that file as it is.',
  );
  const fallback = await npm(['install', '--no-save']);
  if (fallback.status !== 0) throw new SetupError(`npm install failed with exit code ${fallback.status}.`);
}

function npm(args) {
  const script = process.env.npm_execpath;
  return script?.endsWith('.js') ? run(process.execPath, [script, ...args]) : run('npm', args);
}

/** Builds `dist/`, unless it was built from exactly the present sources. */
export async function ensureBuild() {
  if (existsSync(MAIN) && readIfExists(BUILD_STAMP) === hashOfSources()) return;
  console.error('Building …');
  await build();
}

/** Builds `dist/` and notes from which sources. */
export async function build() {
  // Taken first: a source that changes during the build must count as newer than it.
  const sources = hashOfSources();
  const { status } = await run(process.execPath, [path.join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js'), 'build']);
  if (status !== 0) throw new SetupError('The build failed.');
  // A program of its own: webpack is not loaded into whatever builds before it begins.
  const bundled = await run(process.execPath, [path.join(ROOT, 'scripts/bundle-verifier.mjs')]);
  if (bundled.status !== 0) throw new SetupError('The build of the verifier failed.');
  writeFileSync(BUILD_STAMP, sources);
}

function hashOfSources() {
  const hash = createHash('sha256');
  for (const input of BUILD_INPUTS) hashTree(hash, input);
  return hash.digest('hex');
}

function hashTree(hash, relative) {
  const full = path.join(ROOT, relative);
  const stat = statSync(full, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    for (const name of readdirSync(full).sort()) hashTree(hash, `${relative}/${name}`);
  } else if (stat !== undefined && isBuilt(relative)) {
    const content = readFileSync(full);
    hash.update(`${relative}\0${content.length}\0`).update(content);
  }
}

const isBuilt = (file) => /\.(ts|tsx|json)$/.test(file) && !file.endsWith('.spec.ts');

/** Runs a command in the repository with its output passed through; resolves with exit status and what it wrote to stderr. */
export function run(command, args, environment = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env: environment, stdio: ['ignore', 'inherit', 'pipe'] });
    let errorText = '';
    child.stderr.on('data', (chunk) => {
      process.stderr.write(chunk);
      errorText = (errorText + chunk).slice(-65_536);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: code ?? `signal ${signal}`, errorText }));
  });
}

/** Runs the main function of a script; a set-up error becomes its message and exit code 1, without a stack. */
export async function main(action) {
  try {
    await action();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  }
}

function readIfExists(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
