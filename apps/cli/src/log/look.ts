import { Command } from 'commander';
import { formatRfc3339 } from '@protego/contracts';
import { revealRecords, storedNamesOf, type LogRecord } from '@protego/event-log';
import { Terminal } from '../terminal';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from './engine-client';
import { REVEALED_MAX, originOf, withReader, withLog, withWriter, type LogOptions, type OpenLog } from './open-log';
import { selectionOf, withSelection, type SelectionOptions } from './selection';
import { numberOf } from '../commands/simulate.command';

interface CatOptions extends EngineOptions, SelectionOptions {
  readonly follow: boolean;
  readonly reverse: boolean;
  readonly skipDamaged: boolean;
  readonly limit?: number;
  readonly reveal?: string;
}

/** `protego log stat`. */
export function statCommand(): Command {
  return withLog(
    new Command('stat').description('Say how much the log holds.'),
    'protego log stat --log .protego/log',
  ).action((options: LogOptions) => withReader(options, (log) => stat(options, log)));
}

/** `protego log cat`. */
export function catCommand(): Command {
  const command = new Command('cat').description('Print records, one JSON line each; personal fields stay sealed.');
  return withSelection(withLog(command, 'protego log cat --log .protego/log --from 100 --to 110', 'never'))
    .option('--follow', 'go on as the log grows, until interrupted', false)
    .option('--reverse', 'newest first', false)
    .option('--limit <n>', 'most records to print', numberOf('--limit'))
    .option('--skip-damaged', 'step over blocks that cannot be read, and say which', false)
    .option('--reveal <reason>', 'show personal fields in clear; that, and the reason, become an event in the log')
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .action((options: CatOptions) => cat(options));
}

function stat(options: LogOptions, { reader }: OpenLog): void {
  const facts = reader.stat();
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : formatRfc3339(ms));
  const { origin, size, firstSeq, segments, bytes, rootHash } = facts;
  const result = {
    origin,
    size,
    firstSeq,
    segments,
    bytes,
    root: rootHash,
    firstTime: time(facts.firstTimeMs),
    lastTime: time(facts.lastTimeMs),
    lastArrivedAt: time(facts.lastArrivedAtMs),
    verifierKey: reader.identity.verifierKey,
  };
  new Terminal(options.json).result(result, [
    `${size} records in ${segments} segments, ${bytes} bytes, origin ${origin}`,
    ...(firstSeq > 0 ? [`records before seq ${firstSeq} have expired`] : []),
    `event time from ${result.firstTime ?? 'none'} to ${result.lastTime ?? 'none'}`,
    `root: ${rootHash}`,
    `verifier key: ${result.verifierKey}`,
  ]);
}

async function cat(options: CatOptions): Promise<void> {
  if (options.reveal !== undefined) return reveal(options, options.reveal);
  await withReader(options, (log) => (options.follow ? follow(options, log) : print(options, log)));
}

async function print(options: CatOptions, { reader, house }: OpenLog): Promise<void> {
  const terminal = new Terminal(true);
  const { subject, ...criteria } = selectionOf(options);
  const query = reader.query({
    ...criteria,
    ...(subject === undefined ? {} : { subjects: await storedNamesOf(subject, house.vault) }),
    direction: options.reverse ? 'backwards' : 'forwards',
    onDamage: options.skipDamaged ? 'skip' : 'throw',
  });
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for (const record of query) {
    if (left-- <= 0) break;
    terminal.line(recordLine(record));
  }
  const { damage, damageCount } = query.stats;
  for (const { segment, offset, seq, message } of damage)
    terminal.note(`skipped: segment ${segment}, offset ${offset}, from seq ${seq}: ${message}`);
  if (damageCount > damage.length) terminal.note(`skipped ${damageCount - damage.length} more places`);
}

async function follow(options: CatOptions, { reader, house }: OpenLog): Promise<void> {
  const terminal = new Terminal(true);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const { fromSeq, types, subject } = selectionOf(options);
  const subjects = subject === undefined ? undefined : await storedNamesOf(subject, house.vault);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for await (const record of reader.follow({ fromSeq, types, subjects, signal: stop.signal })) {
    terminal.line(recordLine(record));
    if (--left <= 0) return;
  }
}

async function reveal(options: CatOptions, reason: string): Promise<void> {
  const terminal = new Terminal(true);
  const lines = await hereOrInEngine<readonly object[]>(
    options,
    () => revealHere(options, reason),
    async (engine) => {
      const recordsMax = options.limit === undefined ? {} : { recordsMax: options.limit };
      const input = { selection: selectionOf(options), reason, ...recordsMax };
      return (await engine.ask<{ records: object[] }>(originOf(options), 'reveal', input)).records;
    },
  );
  for (const line of lines) terminal.line(JSON.stringify(line));
}

function revealHere(options: CatOptions, reason: string): Promise<object[]> {
  return withWriter(options, async ({ reader, house, authority }) => {
    const recordsMax = Math.min(options.limit ?? REVEALED_MAX, REVEALED_MAX);
    const { vault } = house;
    const selection = selectionOf(options);
    const revelation = await revealRecords({ reader, vault, authority, selection, reason, recordsMax });
    return (revelation?.records ?? []).map(({ record, event, erased }) => ({
      ...placeOf(record),
      event,
      ...(erased.length === 0 ? {} : { erased }),
    }));
  });
}

function placeOf({ seq, arrivedAtMs, recordedAtMs }: LogRecord): Record<string, unknown> {
  return { seq, arrivedAt: formatRfc3339(arrivedAtMs), recordedAt: formatRfc3339(recordedAtMs) };
}

function recordLine({ seq, arrivedAtMs, recordedAtMs, body }: LogRecord): string {
  return `{"seq":${seq},"arrivedAt":"${formatRfc3339(arrivedAtMs)}","recordedAt":"${formatRfc3339(recordedAtMs)}","event":${body.toString('utf8')}}`;
}
