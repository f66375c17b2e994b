import { createHash, type Hash } from 'node:crypto';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command } from 'commander';
import { ProtegoError, canonicalJson } from '@protego/contracts';
import { SCENARIOS, SETTINGS, START_TIME_DEFAULT, simulateHospital } from '@protego/simulation';
import { Terminal } from '../terminal';

interface SimulateOptions {
  readonly scenario: string;
  readonly seed: number;
  readonly days: number;
  readonly start: string;
  readonly set: readonly string[];
  readonly out: string;
  readonly json: boolean;
}

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
  const simulation = simulateHospital({
    scenario: options.scenario,
    seed: options.seed,
    days: options.days,
    startTime: options.start,
    settings: settingsOf(options.set),
  });
  mkdirSync(options.out, { recursive: true });
  const progress = terminal.progress('simulate', 'events');
  const events = await writeLines(join(options.out, 'events.ndjson.gz'), simulation.events, (count) =>
    progress.update(count, 0),
  );
  const labels = await writeLines(join(options.out, 'labels.ndjson.gz'), simulation.labels());
  progress.stop();
  const { scenario, seed, days } = options;
  const manifest = {
    version: 1,
    scenario,
    seed,
    days,
    site: simulation.site,
    startsAt: simulation.startsAt,
    endsAt: simulation.endsAt,
    settings: simulation.settings,
    events,
    labels,
  };
  writeFileSync(join(options.out, 'manifest.json'), `${canonicalJson(manifest)}\n`);
  terminal.result(manifest, [`${events.count} events and ${labels.count} labels in ${options.out}`]);
}

interface WrittenLines {
  readonly count: number;
  /** SHA-256 (hex) of the lines before compression. */
  readonly sha256: string;
}

async function writeLines(
  path: string,
  values: Iterable<unknown>,
  onProgress?: (count: number) => void,
): Promise<WrittenLines> {
  const hash = createHash('sha256');
  let count = 0;
  const chunks = chunksOf(values, hash, (written) => {
    count = written;
    onProgress?.(written);
  });
  await pipeline(Readable.from(chunks), createGzip({ level: 6 }), createWriteStream(path));
  return { count, sha256: hash.digest('hex') };
}

function* chunksOf(values: Iterable<unknown>, hash: Hash, onCount: (count: number) => void): Generator<Buffer> {
  let text = '';
  let count = 0;
  for (const value of values) {
    text += `${canonicalJson(value)}\n`;
    count++;
    if (text.length < 65_536) continue;
    yield flush();
  }
  if (text.length > 0) yield flush();

  function flush(): Buffer {
    const bytes = Buffer.from(text, 'utf8');
    hash.update(bytes);
    onCount(count);
    text = '';
    return bytes;
  }
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
