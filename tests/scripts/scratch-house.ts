import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const SCRIPTS = join(__dirname, '../../scripts');
const WAIT_MS_MAX = 10_000;

/** Stands in for npm: notes what it was asked, and refuses `ci` where the test says so. */
const NPM = `const fs = require('node:fs');
fs.appendFileSync('calls.txt', 'npm ' + process.argv.slice(2).join(' ') + '\\n');
if (process.argv[2] === 'ci' && fs.existsSync('refuse-ci')) {
  console.error('npm error code ' + fs.readFileSync('refuse-ci', 'utf8'));
  process.exit(1);
}
`;
/** Stands in for the build: the application is the one source file. */
const NEST = `const fs = require('node:fs');
fs.appendFileSync('calls.txt', 'nest build\\n');
fs.mkdirSync('dist/apps/cli/src', { recursive: true });
fs.copyFileSync('apps/main.ts', 'dist/apps/cli/src/main.js');
process.exit(fs.existsSync('refuse-build') ? 1 : 0);
`;
/** Stands in for \`protego up\`: runs until it is told to end and notes how it was told. */
const APPLICATION = `const fs = require('node:fs');
const note = (text) => fs.appendFileSync('notes.txt', text + '\\n');
const end = () => setTimeout(() => process.exit(7), 300);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => (note(signal), end()));
process.on('disconnect', () => (note('disconnect'), end()));
setInterval(() => undefined, 1000);
note('pid ' + process.pid);
note('arguments ' + process.argv.slice(2).join(' '));
if (process.argv.includes('--end')) process.exit(3);
`;
/** Stands in for Jest: the report is what the test says for the project. */
const JEST = `const fs = require('node:fs');
const report = process.argv.find((arg) => arg.startsWith('--outputFile=')).slice(13);
const project = process.argv[process.argv.indexOf('--selectProjects') + 1];
const { status, ...counts } = JSON.parse(process.env.REPORTS)[project] ?? { status: 1 };
if (Object.keys(counts).length > 0) fs.writeFileSync(report, JSON.stringify(counts));
process.exit(status);
`;

/** A directory with the real scripts of this repository, and stand-ins for the tools that they call. */
export class ScratchHouse {
  readonly root = mkdtempSync(join(tmpdir(), 'protego-house-'));
  readonly #children: ChildProcess[] = [];

  constructor() {
    cpSync(SCRIPTS, join(this.root, 'scripts'), { recursive: true });
    this.write('package-lock.json', '{ "packages": {} }');
    this.write('npm-stub.js', NPM);
    this.write('apps/main.ts', APPLICATION);
    this.write('node_modules/@nestjs/cli/bin/nest.js', NEST);
    this.write('node_modules/jest/bin/jest.js', JEST);
    // What it puts into one file is not there.
    this.write('scripts/bundle-verifier.mjs', '');
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  lines(path: string): string[] {
    const file = join(this.root, path);
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  }

  /** Process id of the application, once it runs. */
  async applicationPid(): Promise<number> {
    await until(() => this.lines('notes.txt').length >= 2, 'the application to start');
    return Number(this.lines('notes.txt')[0]?.split(' ')[1]);
  }

  /** Starts a script in a process group of its own, as a terminal would. */
  start(script: string, args: readonly string[] = [], environment: Record<string, string> = {}): ChildProcess {
    return this.#spawn([`scripts/${script}`, ...args], environment);
  }

  /** Starts a parent that starts the script, as npm does. */
  startUnderParent(script: string): ChildProcess {
    const code = `require('node:child_process').spawn(process.execPath, ['scripts/${script}'], { stdio: 'inherit' })`;
    return this.#spawn(['-e', code], {});
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }

  #spawn(args: readonly string[], environment: Record<string, string>): ChildProcess {
    const child = spawn(process.execPath, args, {
      cwd: this.root,
      env: { ...process.env, npm_execpath: join(this.root, 'npm-stub.js'), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#children.push(child);
    return child;
  }
}

/** Waits for a condition that another process brings about; throws when it takes too long. */
export async function until(isDone: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  while (!isDone()) {
    if (performance.now() > deadlineMs) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Exit code and output of a process, once it has ended. */
export async function ended(
  child: ChildProcess,
): Promise<{ code: number | null; output: string; errorOutput: string }> {
  let output = '';
  let errorOutput = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (errorOutput += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output, errorOutput };
}

/** True while a process of that id runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
