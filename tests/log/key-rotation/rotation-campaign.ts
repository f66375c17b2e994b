import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { transformSync } from '@swc/core';
import { SeededRandom, inTemporaryDirectory } from '@protego/event-log/testing';
import { killPlanOf, type KillPlan } from './kill-plan';
import type { FireOptions } from './keeper-under-fire';
import { RotationOracle, type LogPlace } from './rotation-oracle';
import { EXIT_LOST, type WriterOptions } from './rotate-until-killed';

const ROOT = join(__dirname, '../../..');
const BUILT = join(ROOT, 'dist/libs');
/** Enclave processes are started from here. */
export const ENCLAVE = join(BUILT, 'enclave/src');
const FIELDS = join(ROOT, 'streams/declarations/fields.yaml');
const PRELUDE = join(__dirname, 'built-libs.cjs');
/** Kills that one log goes through. */
export const KILLS_PER_SEED = 4;
const LIFE_MS_MAX = 30_000;
const END_MS_MAX = 10_000;

/** How the seeds of a campaign are run. */
export interface CampaignOptions {
  /** One thing that the keeper does wrong. */
  readonly keeperDefect?: string;
  /** The writer never begins a new session. */
  readonly isWriterStuck?: boolean;
}

/** What a campaign has put logs through. */
export interface RotationCounts {
  kills: number;
  ofGroup: number;
  ofKeeper: number;
  ofReplica: number;
  atDiskSteps: number;
  whileOpening: number;
  rotations: number;
  acknowledged: number;
}

/** Counts that are all zero. */
export const noCounts = (): RotationCounts => ({
  ...{
    kills: 0,
    ofGroup: 0,
    ofKeeper: 0,
    ofReplica: 0,
    atDiskSteps: 0,
    whileOpening: 0,
    rotations: 0,
    acknowledged: 0,
  },
});

/** A seed under which a log lost a key or a record. */
export class RotationFailure extends Error {
  constructor(seed: number, plans: readonly KillPlan[], cause: unknown) {
    const text = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}: ${text}\n${plans.map((plan) => JSON.stringify(plan)).join('\n')}`, { cause });
  }
}

/**
 * Runs one seed: a log whose keys are in an enclave is written and its data key rotated, and killed several times; after
 * each kill it must open and hold what it promised.
 *
 * @throws RotationFailure
 */
export function runSeed(seed: number, options: CampaignOptions = {}): Promise<RotationCounts> {
  return inTemporaryDirectory(async (root) => {
    const random = new SeededRandom(seed);
    const oracle = new RotationOracle();
    const counts = noCounts();
    const place = { directory: join(root, 'log'), keysDirectory: join(root, 'keys') };
    const plans: KillPlan[] = [];
    try {
      for (let life = 0; life < KILLS_PER_SEED; life++) {
        const plan = killPlanOf(random);
        plans.push(plan);
        const lines = await new Life(root, place, life, plan, options).run();
        for (const line of lines) oracle.hear(life, line);
        await oracle.check(place);
        count(counts, plan, lines);
      }
      counts.acknowledged = oracle.acknowledged;
      counts.rotations = oracle.rotations;
      return counts;
    } catch (cause) {
      throw new RotationFailure(seed, plans, cause);
    }
  });
}

function count(counts: RotationCounts, { target, step }: KillPlan, lines: readonly string[]): void {
  counts.kills++;
  counts[target === 'group' ? 'ofGroup' : target === 'keeper' ? 'ofKeeper' : 'ofReplica']++;
  if (step !== undefined) counts.atDiskSteps++;
  if (lines.length === 0) counts.whileOpening++;
}

/** One process that writes, with the processes of its enclave: a process group of its own, from start to death. */
class Life {
  #text = '';
  #child: ChildProcess | undefined;
  #isKilled = false;

  constructor(
    private readonly root: string,
    private readonly place: LogPlace,
    private readonly life: number,
    private readonly plan: KillPlan,
    private readonly options: CampaignOptions,
  ) {}

  /** Runs until the kill; resolves with the whole lines that were printed once all processes have ended. */
  async run(): Promise<string[]> {
    const child = this.#start();
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), LIFE_MS_MAX);
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
      void this.#killInTime();
    });
    const startedMs = performance.now();
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.once('close', (...ended) => resolve(ended)),
    );
    clearTimeout(timer);
    if (performance.now() - startedMs >= LIFE_MS_MAX) throw new Error(`was never killed: ${errors}`);
    this.#checkEnd(code, signal, errors);
    await this.#ended(child.pid ?? 0);
    return this.#text.split('\n').slice(0, -1);
  }

  #start(): ChildProcess {
    const { root, place, life, plan, options } = this;
    const writer = compiled('rotate-until-killed', root);
    const { target, step } = plan;
    const fire: FireOptions = {
      ...{ enclave: ENCLAVE, keysDirectory: place.keysDirectory, target },
      ...(step === undefined ? {} : { step }),
      ...(options.keeperDefect === undefined ? {} : { defect: options.keeperDefect }),
    };
    const entry = join(root, `keeper-${life}.js`);
    const keeper = JSON.stringify(compiled('keeper-under-fire', root));
    writeFileSync(entry, `require(${keeper}).runKeeper(${JSON.stringify(fire)});\n`);
    const more = options.isWriterStuck === true ? { stuckWriterIn: join(BUILT, 'event-log/src') } : {};
    const start: WriterOptions = { ...place, fields: FIELDS, entry, life, ...more };
    const args = ['--require', PRELUDE, writer, JSON.stringify(start)];
    return (this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true }));
  }

  async #killInTime(): Promise<void> {
    const { target, moment } = this.plan;
    const lines = this.#text.split('\n');
    if (moment === undefined || this.#isKilled || lines.length <= moment.lines) return;
    this.#isKilled = true;
    await pause(moment.delayMs);
    const keeper = Number(lines[0]?.split(' ')[3]);
    const pid = this.#child?.pid ?? 0;
    if (target === 'group') process.kill(-pid, 'SIGKILL');
    if (target === 'keeper') process.kill(keeper, 'SIGKILL');
    if (target === 'replica') {
      const [replica] = processes().filter(({ parent }) => parent === keeper);
      if (replica === undefined) throw new Error('there is no replica');
      process.kill(replica.pid, 'SIGKILL');
    }
  }

  #checkEnd(code: number | null, signal: string | null, errors: string): void {
    if (this.plan.target === 'group') {
      if (signal !== 'SIGKILL') throw new Error(`ended by itself with ${code}: ${errors}`);
      return;
    }
    // A writer without its enclave ends by itself; while it opens, the refusal ends it.
    const isOpen = this.#text.includes('\n');
    const isRefused = code === 1 && errors.includes('enclave');
    if (code !== EXIT_LOST && (isOpen || !isRefused)) throw new Error(`ended with ${code ?? signal}: ${errors}`);
  }

  /** Resolves when no process of the group is left: an enclave must not outlive its writer. */
  async #ended(group: number): Promise<void> {
    for (let waitedMs = 0; processes().some((each) => each.group === group); waitedMs += 10) {
      if (waitedMs > END_MS_MAX) throw new Error('a process of the enclave goes on without its writer');
      await pause(10);
    }
  }
}

/** Path of a script of this folder as plain JavaScript; compiled once in a directory. */
function compiled(name: string, directory: string): string {
  const path = join(__dirname, `${name}.ts`);
  const target = join(directory, `${name}.js`);
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    filename: path,
    module: { type: 'commonjs' },
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
  });
  writeFileSync(target, code);
  return target;
}

/** All processes that run (proc(5)). */
function processes(): { pid: number; parent: number; group: number }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The name of the program comes first, in parentheses, and may hold anything.
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
    } catch {
      return [];
    }
  });
}
