import { createWriteStream, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command } from 'commander';
import { ProtegoError, canonicalJson } from '@protego/contracts';
import {
  GENERATOR_VERSION,
  SCENARIOS,
  SETTINGS,
  START_TIME_DEFAULT,
  simulateHospital,
  type PlantedEvents,
  type Simulation,
} from '@protego/simulation';
import { LineTally, type HistoryPart, type WrittenLines } from '../simulate/history-part';
import { THREADS_MAX, partsByThreads } from '../simulate/part-threads';
import { Terminal } from '../terminal';

interface SimulateOptions {
  readonly scenario: string;
  readonly seed: number;
  readonly days: number;
  readonly start: string;
  readonly set: readonly string[];
  readonly out: string;
  readonly workers?: number;
  readonly json: boolean;
}

const EVENTS = 'events.ndjson.gz';
const LABELS = 'labels.ndjson.gz';
const MANIFEST = 'manifest.json';
/** Follows the name of a file that is not whole yet. */
const PARTIAL = '.partial';

/** `protego simulate`: a seeded history with labels beside it. */
export function simulateCommand(): Command {
  return new Command('simulate')
    .description('Write a simulated hospital history: OUT/events.ndjson.gz, OUT/labels.ndjson.gz, OUT/manifest.json.')
    .requiredOption('--scenario <name>', `one of: ${SCENARIOS.map(({ name }) => name).join(', ')}`)
    .requiredOption('--seed <n>', 'whole number; the same seed gives the same bytes', numberOf('--seed'))
    .requiredOption('--days <d>', 'length; may be a fraction', numberOf('--days'))
    .option('--start <time>', 'first moment, RFC 3339', START_TIME_DEFAULT)
    .option(
      '--set <key=value>',
      'override a setting; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .requiredOption('--out <dir>', 'directory to write')
    .option('--workers <n>', 'threads (default: one a core); the bytes are the same', numberOf('--workers'))
    .option('--json', 'print the manifest as JSON', false)
    .addHelpText('after', helpText)
    .action((options: SimulateOptions) => simulate(options));
}

function helpText(): string {
  const settings = Object.entries(SETTINGS)
    .map(([key, { description, fallback }]) => `  ${key}: ${description} Default ${fallback}.`)
    .join('\n');
  return `\nsettings for --set:\n${settings}\n\nexit codes: 0 done, 2 usage error\nexample: protego simulate --scenario general --seed 7 --days 0.0417 --out history`;
}

async function simulate(options: SimulateOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const { scenario, seed, days, start, out } = options;
  const asked = { scenario, seed, days, startTime: start, settings: settingsOf(options.set) };
  const threadCount = threadsOf(options.workers);
  const simulation = simulateHospital(asked);
  prepareDirectory(out);
  const progress = terminal.progress('simulate', 'slices');
  const labels = new LabelFile(join(out, LABELS + PARTIAL));
  const events = new LineTally();
  await pipeline(
    partsByThreads(asked, simulation.sliceCount, threadCount),
    async function* (parts: AsyncIterable<HistoryPart>) {
      for await (const part of parts) {
        events.add(part.lines, part.count);
        labels.add(simulation, part);
        progress.update(part.toSlice, simulation.sliceCount);
        yield part.member;
      }
    },
    createWriteStream(join(out, EVENTS + PARTIAL)),
  );
  const manifest = {
    version: 2,
    generator: GENERATOR_VERSION,
    scenario,
    seed,
    days,
    site: simulation.site,
    startsAt: simulation.startsAt,
    endsAt: simulation.endsAt,
    set: asked.settings,
    settings: simulation.settings,
    events: events.written(),
    labels: await labels.end(),
  };
  progress.stop();
  writeFileSync(join(out, MANIFEST + PARTIAL), `${canonicalJson(manifest)}\n`);
  // The manifest last: where it is, the others are whole.
  for (const name of [EVENTS, LABELS, MANIFEST]) renameSync(join(out, name + PARTIAL), join(out, name));
  terminal.result(manifest, [`${manifest.events.count} events and ${manifest.labels.count} labels in ${out}`]);
}

/** Makes the directory, and refuses one with a history in it. */
function prepareDirectory(out: string): void {
  if (existsSync(out) && !statSync(out).isDirectory())
    throw new ProtegoError('USAGE_INVALID', `--out \`${out}\` is no directory`);
  const found = [EVENTS, LABELS, MANIFEST].find((name) => existsSync(join(out, name)));
  if (found !== undefined)
    throw new ProtegoError('USAGE_INVALID', `\`${join(out, found)}\` exists already: give another directory`);
  mkdirSync(out, { recursive: true });
}

/** Labels on their way into a file, and the events of activities that have not ended. */
class LabelFile {
  readonly #planted: PlantedEvents = new Map();
  readonly #tally = new LineTally();
  readonly #gzip = createGzip({ level: 6 });
  readonly #written: Promise<void>;

  constructor(path: string) {
    this.#written = pipeline(this.#gzip, createWriteStream(path));
  }

  add(simulation: Simulation, { fromSlice, toSlice, planted }: HistoryPart): void {
    for (const [activity, ids] of planted) {
      const known = this.#planted.get(activity);
      if (known === undefined) this.#planted.set(activity, ids);
      else known.push(...ids);
    }
    const labels = simulation.takeLabels(fromSlice, toSlice, this.#planted);
    if (labels.length === 0) return;
    const lines = Buffer.from(labels.map((label) => `${canonicalJson(label)}\n`).join(''), 'utf8');
    this.#tally.add(lines, labels.length);
    this.#gzip.write(lines);
  }

  async end(): Promise<WrittenLines> {
    this.#gzip.end();
    await this.#written;
    return this.#tally.written();
  }
}

function threadsOf(workers: number | undefined): number {
  if (workers === undefined) return Math.min(availableParallelism(), THREADS_MAX);
  if (Number.isInteger(workers) && workers >= 1 && workers <= THREADS_MAX) return workers;
  throw new ProtegoError('USAGE_INVALID', `--workers \`${workers}\` is not a whole number from 1 to ${THREADS_MAX}`);
}

function settingsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new ProtegoError('SETTING_INVALID', `\`${pair}\` is not key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Parser of a numeric option. */
export function numberOf(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value))
      throw new ProtegoError('USAGE_INVALID', `${name} \`${text}\` is not a number`);
    return value;
  };
}
