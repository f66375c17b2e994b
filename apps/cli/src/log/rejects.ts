import { basename } from 'node:path';
import { Command } from 'commander';
import { appendLook, openRefused, refusedFilesIn, refusedLinesOf } from '@protego/event-log';
import { numberOf } from '../commands/simulate.command';
import { Terminal } from '../terminal';
import { REVEALED_MAX, withLog, withWriter, type HeldLog, type LogOptions } from './open-log';

interface RejectsOptions extends LogOptions {
  readonly reveal?: string;
  readonly limit?: number;
}

/** A line of a file of refused records. */
interface RefusedLine {
  readonly file: string;
  readonly text: string;
}

/** `protego log rejects`. */
export function rejectsCommand(): Command {
  const command = new Command('rejects').description(
    'Print what imports have refused, one JSON line each; messages and records stay sealed.',
  );
  const example = 'protego log rejects --log history.log --reveal "why the import refused 12 lines"';
  return withLog(command, example, 'never')
    .argument('[file...]', 'files of refused records (default: all in the log directory)')
    .option('--limit <n>', `most records to print; at most ${REVEALED_MAX} in clear`, numberOf('--limit'))
    .option('--reveal <reason>', 'show messages and records in clear; that, and the reason, become an event in the log')
    .action((files: readonly string[], options: RejectsOptions) => showRejects(files, options));
}

async function showRejects(named: readonly string[], options: RejectsOptions): Promise<void> {
  const terminal = new Terminal(true);
  const files = named.length > 0 ? named : refusedFilesIn(options.log);
  const { reveal, limit = Number.POSITIVE_INFINITY } = options;
  if (reveal === undefined) {
    for await (const { text } of linesOf(files, limit)) terminal.line(text);
    return;
  }
  await withWriter(options, (log) => revealRejects(log, files, Math.min(limit, REVEALED_MAX), reveal, terminal));
}

// What is shown is recorded first: a look that leaves no trace must not be possible by stopping the program.
async function revealRejects(
  { directory, house, authority }: HeldLog,
  files: readonly string[],
  limit: number,
  reason: string,
  terminal: Terminal,
): Promise<void> {
  const ownFiles = refusedFilesIn(directory);
  const records = new Map<string, string[]>();
  for await (const { file, text } of linesOf(files, limit)) {
    const lines = records.get(file);
    if (lines === undefined) records.set(file, [text]);
    else lines.push(text);
  }
  for (const [file, lines] of records) {
    // What somebody called a file elsewhere may name a person, and the event stays for ever.
    const name = ownFiles.includes(file) ? basename(file) : 'elsewhere';
    await appendLook(authority, { fromSeq: 0, toSeq: 0, records: lines.length, file: name, reason });
    for (const text of lines) terminal.line(JSON.stringify(await openRefused(text, house.vault)));
  }
}

async function* linesOf(files: readonly string[], limit: number): AsyncGenerator<RefusedLine> {
  let left = limit;
  for (const file of files) {
    for await (const text of refusedLinesOf(file)) {
      if (left-- <= 0) return;
      yield { file, text };
    }
  }
}
