import { setImmediate as nextTurn } from 'node:timers/promises';
import { join } from 'node:path';
import type { Clock } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import { EventLogReader, EventLogWriter, nodeFileLayer, type LogFileLayer } from '@protego/event-log';
import { FaultyDisk, SeededRandom, inTemporaryDirectory, type DiskFaults } from '@protego/event-log/testing';
import { CrashOracle } from './crash-oracle';
import { crashRecord } from './crash-records';

/** How the seeds of a campaign are run. */
export interface CampaignOptions {
  /** Puts a disk under `node:fs/promises`; undefined takes it away. */
  readonly mount: (disk: FaultyDisk | undefined) => void;
  /** The layer between the log and the disk; default: the shipped one. */
  readonly layer?: LogFileLayer;
}

/** What happened under one seed. */
export interface SeedReport {
  readonly seed: number;
  /** Every call to the disk. */
  readonly schedule: readonly string[];
  readonly counts: CampaignCounts;
}

/** What a campaign has put a log through. */
export interface CampaignCounts {
  appended: number;
  acknowledged: number;
  checkpoints: number;
  powerCuts: number;
  kills: number;
  failures: number;
  cleanCloses: number;
  interruptedOpens: number;
  tornTails: number;
}

/** Counts that are all zero. */
export const noCounts = (): CampaignCounts => ({
  appended: 0,
  acknowledged: 0,
  checkpoints: 0,
  powerCuts: 0,
  kills: 0,
  failures: 0,
  cleanCloses: 0,
  interruptedOpens: 0,
  tornTails: 0,
});

/** A seed under which a log broke a promise. */
export class CrashFailure extends Error {
  constructor(
    readonly seed: number,
    readonly schedule: readonly string[],
    cause: unknown,
  ) {
    const text = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}: ${text}\n${schedule.slice(-SCHEDULE_LINES).join('\n')}`, { cause });
  }
}

/** The disk of the shipped layer, by another name: its tiles go through the layer one by one, however many there are. */
const STEPWISE_LAYER: LogFileLayer = { ...nodeFileLayer };
const SEED_TIMEOUT_MS = 60_000;
/** Lines of the schedule that a failure shows. */
const SCHEDULE_LINES = Number(process.env['CRASH_LINES'] ?? 60);

/**
 * Runs one seed: a log is created, written, and broken off in several ways, and after each of them it must open and hold
 * what it promised.
 *
 * @throws CrashFailure
 */
export async function runSeed(seed: number, options: CampaignOptions): Promise<SeedReport> {
  return inTemporaryDirectory(async (root) => {
    const random = new SeededRandom(seed);
    const disk = new FaultyDisk(root, random.seed());
    options.mount(disk);
    const run = new SeedRun(disk, random, options.layer);
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('does not come to an end')), SEED_TIMEOUT_MS);
      });
      await Promise.race([run.run(), late]);
      return { seed, schedule: disk.schedule, counts: run.counts };
    } catch (cause) {
      throw new CrashFailure(seed, disk.schedule, cause);
    } finally {
      clearTimeout(timer);
      options.mount(undefined);
    }
  });
}

type End = 'close' | 'power cut' | 'kill' | 'errors' | 'full';

class SeedRun {
  readonly counts = noCounts();
  private readonly oracle = new CrashOracle();
  private readonly timers = new Set<() => void>();
  private readonly isStepwise: boolean;
  private readonly limits: { segmentBytesMax: number; segmentRecordsMax: number; blockBytesMax: number };
  private readonly recordsMax: number;
  private number = 0;
  private wallMs = 1_700_000_000_000;

  constructor(
    private readonly disk: FaultyDisk,
    private readonly random: SeededRandom,
    private readonly layer: LogFileLayer | undefined,
  ) {
    this.isStepwise = random.chance(0.3);
    this.recordsMax = random.chance(0.06) ? 2_600 : 400;
    this.limits = {
      segmentBytesMax: random.pick([3_000, 12_000, 60_000, 400_000]),
      segmentRecordsMax: random.pick([20, 150, 900, 262_144]),
      blockBytesMax: random.pick([1_000, 6_000, 40_000, 262_144]),
    };
  }

  async run(): Promise<void> {
    const lives = this.random.integer(2, 5);
    for (let life = 0; life < lives; life++) {
      if (this.random.chance(0.3)) await this.openBrokenOff();
      const writer = await this.openChecked();
      await this.live(writer, this.random.pick<End>(['power cut', 'power cut', 'kill', 'errors', 'full', 'close']));
    }
    const last = await this.openChecked();
    await this.appendBatch(last);
    await last.close();
    await this.verify();
    const others = [...this.disk.bypassed].filter((path) => path !== 'log/writer.json');
    if (others.length > 0) throw new Error(`changed past the disk: ${others.join()}`);
    this.counts.appended = this.oracle.taken.length;
    this.counts.acknowledged = this.oracle.acknowledged;
    this.counts.checkpoints = this.oracle.keptCount;
  }

  private get directory(): string {
    return join(this.disk.root, 'log');
  }

  private open(): Promise<EventLogWriter> {
    const { directory, limits, random } = this;
    const clock: Clock = { wallMs: () => (this.wallMs += random.integer(-5, 50)), monotonicMs: () => 0 };
    const schedule = (run: () => void): (() => void) => {
      this.timers.add(run);
      return () => this.timers.delete(run);
    };
    const layer = this.layer ?? (this.isStepwise ? STEPWISE_LAYER : nodeFileLayer);
    const checkpoint = { everyRecords: random.pick([1, 40, 400]), everyMs: 1_000 };
    const options = { directory, origin: 'crash.example', keys: KEYS, clock, schedule, checkpoint, layer, ...limits };
    return EventLogWriter.open(options);
  }

  /** Opening ends in a fault or not; whatever it did, the next opening must succeed. */
  private async openBrokenOff(): Promise<void> {
    const calls = this.random.below(40);
    const faults: DiskFaults = this.random.pick<DiskFaults>([
      { powerCutAfterCalls: calls },
      { killAfterCalls: calls },
      { writeError: 0.1, syncError: 0.1, shortWrite: 0.3 },
      { freeBytes: this.random.below(20_000) },
    ]);
    this.disk.plan(faults);
    try {
      const writer = await this.open();
      await writer.close().catch(() => undefined);
    } catch {
      this.counts.interruptedOpens++;
    }
    this.endLife();
  }

  private async openChecked(): Promise<EventLogWriter> {
    this.timers.clear();
    this.disk.plan(this.random.chance(0.3) ? { shortWrite: 0.3 } : {});
    const writer = await this.open();
    if (writer.recovery.cutBytes > 0) this.counts.tornTails++;
    const reader = await EventLogReader.open({ directory: this.directory, keys: KEYS });
    this.oracle.check(reader, writer);
    writer.onCheckpoint(({ size, root }) => this.oracle.keep(size, root.toString('hex'), true));
    return writer;
  }

  private async live(writer: EventLogWriter, end: End): Promise<void> {
    this.disk.plan(this.faultsFor(end));
    await this.work(writer);
    if (end === 'close') {
      await writer.close();
      this.counts.cleanCloses++;
      const { latestCheckpoint: latest, size } = writer;
      if (size > 0 && latest?.size !== size) throw new Error(`closed at ${size}, signed for ${latest?.size}`);
      await this.verify();
    }
    if (end === 'power cut') this.disk.cutPower();
    if (end === 'kill') this.disk.kill();
    if (writer.failure !== undefined) this.counts.failures++;
    await writer.close().catch(() => undefined);
    this.endLife();
  }

  private faultsFor(end: End): DiskFaults {
    const { random } = this;
    const shortWrite = random.pick([0, 0, 0.2]);
    switch (end) {
      case 'power cut':
        return { shortWrite, powerCutAfterCalls: random.below(random.pick([10, 60, 200])) };
      case 'kill':
        return { shortWrite, killAfterCalls: random.below(random.pick([10, 60, 200])) };
      case 'errors':
        return { shortWrite, writeError: random.pick([0, 0.03]), syncError: random.pick([0.02, 0.1]) };
      case 'full':
        return { shortWrite, freeBytes: random.below(random.pick([5_000, 300_000])) };
      case 'close':
        return { shortWrite };
    }
  }

  /** However a process ended, the machine may go on or go down. */
  private endLife(): void {
    if (this.random.chance(0.5)) this.disk.cutPower();
    if (this.disk.isOn) this.disk.kill();
    const boots = this.disk.boots;
    this.disk.powerOn();
    if (this.disk.boots > boots) this.counts.powerCuts++;
    else this.counts.kills++;
  }

  private async work(writer: EventLogWriter): Promise<void> {
    const steps = this.random.integer(1, 16);
    const appends: Promise<void>[] = [];
    for (let step = 0; step < steps && this.disk.isOn && writer.failure === undefined; step++) {
      const action = this.random.below(12);
      if (action < 7) appends.push(this.appendBatch(writer));
      else if (action === 7) await appends.shift();
      else if (action === 8) await Promise.all(appends.splice(0));
      else if (action === 9) await writer.signCheckpoint().catch(() => undefined);
      else if (action === 10) await writer.syncTiles().catch(() => undefined);
      else this.fireTimers();
      for (let turns = this.random.below(6); turns > 0; turns--) await nextTurn();
      const { size, rootHash } = writer.checkpoint();
      if (this.random.chance(0.2)) this.oracle.keep(size, rootHash, false);
    }
    await Promise.all(appends);
  }

  private fireTimers(): void {
    for (const run of [...this.timers]) {
      this.timers.delete(run);
      run();
    }
  }

  private async appendBatch(writer: EventLogWriter): Promise<void> {
    const room = this.recordsMax - this.oracle.taken.length;
    const count = Math.min(room, this.random.pick([1, 1, 2, 7, 30, 120, 300]));
    const records = Array.from({ length: count }, () => crashRecord(this.number++, this.random));
    const before = writer.nextSeq;
    const append = writer.append(records);
    // An append that is refused takes nothing.
    if (writer.nextSeq > before) this.oracle.taken.push(...records);
    try {
      const { firstSeq } = await append;
      this.oracle.acknowledge(firstSeq, count, before);
    } catch (cause) {
      if (writer.failure === undefined && this.disk.isOn) throw cause;
    }
  }

  /** Every byte, once a writer has put right what a fault left and nothing is being written. */
  private async verify(): Promise<void> {
    const reader = await EventLogReader.open({ directory: this.directory, keys: KEYS });
    const { ok, size, problems } = reader.verify();
    const records = this.oracle.taken.length;
    if (!ok) throw new Error(`verify finds ${problems[0]?.code}: ${problems[0]?.message}`);
    if (size > records) throw new Error(`verify counts ${size} records of ${records}`);
  }
}

const KEYS = fixedKeys('crash');
