import { Command } from 'commander';
import { formatRfc3339 } from '@protego/contracts';
import { EventLogReader, type LogRecord } from '@protego/event-log';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { Terminal } from '../terminal';
import { numberOf } from './simulate.command';

interface LogOptions {
  readonly log: string;
  readonly json: boolean;
}

interface CatOptions extends LogOptions {
  readonly from?: number;
  readonly to?: number;
  readonly follow: boolean;
}

/** `protego log`: look at a log and verify it; needs no lock. */
export function logCommand(): Command {
  const command = new Command('log').description('Look at a log, read it, verify it.');
  withLog(
    command.command('stat').description('Say how much the log holds.'),
    'protego log stat --log .protego/log',
  ).action((options: LogOptions) => stat(options));
  withLog(
    command.command('cat').description('Print records, one JSON line each.'),
    'protego log cat --log .protego/log --from 100 --to 110',
  )
    .option('--from <seq>', 'first record', numberOf('--from'))
    .option('--to <seq>', 'record after the last', numberOf('--to'))
    .option('--follow', 'go on as the log grows, until interrupted', false)
    .action((options: CatOptions) => cat(options));
  withLog(
    command.command('verify').description('Hash every record again and compare; exit 1 when anything differs.'),
    'protego log verify --log .protego/log',
  ).action((options: LogOptions) => verify(options));
  return command;
}

function withLog(command: Command, example: string): Command {
  return command
    .requiredOption('--log <dir>', 'log directory')
    .option('--json', 'print JSON', false)
    .addHelpText('after', `\nexit codes: 0 done, 1 the check failed, 2 usage error or no log\nexample: ${example}`);
}

async function stat(options: LogOptions): Promise<void> {
  const facts = (await EventLogReader.open({ directory: options.log })).stat();
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : formatRfc3339(ms));
  const { origin, size, segments, bytes, rootHash } = facts;
  const result = {
    origin,
    size,
    segments,
    bytes,
    root: rootHash,
    firstTime: time(facts.firstTimeMs),
    lastTime: time(facts.lastTimeMs),
    lastArrivedAt: time(facts.lastArrivedAtMs),
  };
  new Terminal(options.json).result(result, [
    `${size} records in ${segments} segments, ${bytes} bytes, origin ${origin}`,
    `event time from ${result.firstTime ?? 'none'} to ${result.lastTime ?? 'none'}`,
    `root: ${rootHash}`,
  ]);
}

async function cat(options: CatOptions): Promise<void> {
  const reader = await EventLogReader.open({ directory: options.log });
  const terminal = new Terminal(true);
  const print = (record: LogRecord): void => terminal.line(recordLine(record));
  if (!options.follow) {
    for (const record of reader.records({ fromSeq: options.from, toSeq: options.to })) print(record);
    return;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  for await (const record of reader.follow({ fromSeq: options.from ?? 0, signal: stop.signal })) print(record);
}

function recordLine({ seq, arrivedAtMs, recordedAtMs, body }: LogRecord): string {
  return `{"seq":${seq},"arrivedAt":"${formatRfc3339(arrivedAtMs)}","recordedAt":"${formatRfc3339(recordedAtMs)}","event":${body.toString('utf8')}}`;
}

async function verify(options: LogOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const progress = terminal.progress('verify', 'records');
  const reader = await EventLogReader.open({ directory: options.log });
  const report = reader.verify({ onProgress: ({ size }) => progress.update(size, 0) });
  progress.stop();
  terminal.result(report, [
    report.ok ? `OK: ${report.size} records, root ${report.rootHash}` : `NOT OK: ${report.problemCount} problems`,
    ...report.problems.map(
      ({ code, seq, segment, offset, message }) =>
        `  ${code} seq ${seq ?? '?'} ${segment ?? ''}@${offset ?? '?'}: ${message}`,
    ),
    ...(report.tornBytes > 0
      ? [
          `warning: the last ${report.tornBytes} bytes are no whole block: a writer is at work, or the end of the log is missing`,
        ]
      : []),
    `${report.bytesRead} bytes read`,
  ]);
  if (!report.ok) process.exitCode = EXIT_CHECK_FAILED;
}
