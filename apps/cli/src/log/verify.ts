import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import {
  describeBundle,
  openBundleFile,
  verifyBundleFile,
  verifyReceipt,
  type LogProblem,
  type VerifyReport,
} from '@protego/event-log';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { Terminal } from '../terminal';
import { withKeyOptions } from './key-options';
import { withReader, type LogOptions, type OpenLog } from './open-log';

interface VerifyCommandOptions extends Omit<LogOptions, 'log'> {
  readonly log?: string;
  readonly fromCheckpoint?: string;
  readonly against?: readonly string[];
  readonly verifierKey?: string;
  readonly bodies: boolean;
  readonly bundle?: string;
  readonly receipt?: string;
  readonly open?: string;
}

const UNCOMPARED =
  'warning: checked against the key inside the file; compare it with the key that the owner of the log publishes, or name that with --verifier-key:';

/** `protego log verify`. */
export function verifyCommand(): Command {
  return withKeyOptions(new Command('verify'))
    .description(
      'Check a log against its own hashes, tiles and checkpoints, and against checkpoints kept elsewhere; or check an evidence bundle or the receipt of an erasure. Exit 1 when anything differs.',
    )
    .option('--log <dir>', 'log directory')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)")
    .option('--from-checkpoint <file>', 'leave out what an earlier verification up to this checkpoint has seen')
    .option('--against <file...>', 'signed checkpoints that were kept elsewhere')
    .option('--verifier-key <key>', 'key of the log as its owner publishes it (C2SP verifier key)')
    .option('--no-bodies', 'hashes only: leave out the form of the bodies')
    .option('--bundle <file>', 'check an evidence bundle; with --log against the key of that log')
    .option('--open <file>', 'private key of the receiver: print the records of the bundle in clear')
    .option('--receipt <file>', 'check the receipt of an erasure; with --log also that its keys are gone')
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done, 1 the check failed, 2 usage error, no log or no keys, 3 internal error\nexample: protego log verify --log .protego/log --against kept.checkpoint',
    )
    .action((options: VerifyCommandOptions) => verify(options));
}

async function verify(options: VerifyCommandOptions): Promise<void> {
  const { log, bundle, receipt } = options;
  if (bundle !== undefined) {
    if (options.against !== undefined || options.fromCheckpoint !== undefined)
      throw new ProtegoError('USAGE_INVALID', '--against and --from-checkpoint check a log, not a bundle');
    return checked(options, () => verifyBundle(options, bundle));
  }
  if (receipt !== undefined) return checked(options, () => verifyErasure(options, receipt));
  if (log === undefined) throw new ProtegoError('USAGE_INVALID', 'name --log, --bundle or --receipt');
  await withReader({ ...options, log }, (open) => verifyLog(options, open));
}

/** Codes that say that a check failed, not that it could not be made. */
const FAILURES: ReadonlySet<string> = new Set(['BUNDLE_INVALID', 'RECEIPT_INVALID']);

async function checked(options: VerifyCommandOptions, check: () => Promise<void> | void): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (!isProtegoError(error) || !FAILURES.has(error.code)) throw error;
    const { code, message } = error;
    new Terminal(options.json).result({ ok: false, code, message }, [`NOT OK: ${message} (${code})`]);
    process.exitCode = EXIT_CHECK_FAILED;
  }
}

async function verifyLog(options: VerifyCommandOptions, { reader }: OpenLog): Promise<void> {
  const { fromCheckpoint, against = [], verifierKey, bodies } = options;
  const terminal = new Terminal(options.json);
  const progress = terminal.progress('verify', 'records');
  const report = await reader.verifyLearning({
    ...(fromCheckpoint === undefined ? {} : { from: readFileSync(fromCheckpoint, 'utf8') }),
    against: against.map((path) => readFileSync(path)),
    ...(verifierKey === undefined ? {} : { verifierKey }),
    decodesBodies: bodies,
    onProgress: ({ size }) => progress.update(size, 0),
  });
  progress.stop();
  terminal.result(report, linesOf(report));
  if (!report.ok) process.exitCode = EXIT_CHECK_FAILED;
}

function linesOf(report: VerifyReport): string[] {
  const { ok, size, rootHash, problems, problemCount, checked: done, tornBytes, fromSeq, unsignedFrom } = report;
  const from = fromSeq > 0 ? `, from seq ${fromSeq}` : '';
  return [
    ok ? `OK: ${size} records${from}, root ${rootHash}` : `NOT OK: ${problemCount} problems`,
    ...problems.map(problemLine),
    ...(problemCount > problems.length ? [`  and ${problemCount - problems.length} more`] : []),
    ...(tornBytes > 0
      ? [
          `warning: the last ${tornBytes} bytes are no whole block: a writer is at work, or the end of the log is missing`,
        ]
      : []),
    ...(unsignedFrom === 0 && size > 0
      ? ['warning: no checkpoint covers any record: nothing shows whether the log once went on, or was another']
      : []),
    `checked: ${done.records} records in ${done.blocks} blocks, ${done.bytes} bytes, ${done.tiles} tiles, ${done.checkpoints} checkpoints, ${done.footers} footers`,
  ];
}

function problemLine({ code, kind, seq, seqEnd, segment, offset, file, message }: LogProblem): string {
  const range = seqEnd === undefined || seq === undefined || seqEnd <= seq + 1 ? '' : `–${seqEnd - 1}`;
  const place = file ?? (segment === undefined ? '' : `${segment}@${offset ?? '?'}`);
  return `  ${kind} (${code}) seq ${seq ?? '?'}${range} ${place}: ${message}`;
}

/** With a log, the bundle must be signed with the key of that log. */
async function verifyBundle(options: VerifyCommandOptions, path: string): Promise<void> {
  const terminal = new Terminal(options.json);
  const { log, open } = options;
  const keyOfLog =
    log === undefined ? undefined : await withReader({ ...options, log }, ({ reader }) => reader.identity.verifierKey);
  const verifierKey = options.verifierKey ?? keyOfLog;
  if (keyOfLog !== undefined && verifierKey !== keyOfLog)
    throw new ProtegoError('USAGE_INVALID', '--verifier-key is not the key of the log that --log names');
  const bundle = verifyBundleFile(path, verifierKey);
  const facts = describeBundle(bundle);
  const opened = open === undefined ? [] : openBundleFile(path, readFileSync(open, 'utf8'), verifierKey);
  const isKeyGiven = verifierKey !== undefined;
  terminal.result({ ok: true, isKeyGiven, ...facts, ...(open === undefined ? {} : { opened }) }, [
    isKeyGiven ? 'OK: the bundle is whole and every record is in the log' : 'UNPROVEN: the bundle is whole in itself',
    ...Object.entries(facts).map(
      ([name, value]) => `  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
    ...opened.map((record) => JSON.stringify(record)),
  ]);
  if (verifierKey === undefined) terminal.note(`${UNCOMPARED} ${String(facts['verifierKey'])}`);
}

async function verifyErasure(options: VerifyCommandOptions, path: string): Promise<void> {
  const terminal = new Terminal(options.json);
  const { verifierKey, log } = options;
  const content = verifyReceipt(readFileSync(path), verifierKey);
  if (log !== undefined) await withReader({ ...options, log }, (open) => requireErased(content, open));
  terminal.result({ ok: true, ...content }, [
    `OK: the receipt is genuine: ${String((content['keyIds'] as unknown[]).length)} keys of ${String(content['person'])} destroyed, recorded at seq ${String(content['seq'])}`,
    ...(log === undefined ? [] : ['none of these keys is in the vault of the log']),
  ]);
  if (verifierKey === undefined) terminal.note(`${UNCOMPARED} ${String(content['verifierKey'])}`);
}

async function requireErased(content: Readonly<Record<string, unknown>>, { reader, house }: OpenLog): Promise<void> {
  const { origin, logId } = reader.identity;
  if (content['origin'] !== origin || content['logId'] !== logId.toString('hex'))
    throw new ProtegoError('RECEIPT_INVALID', `the receipt is of the log \`${String(content['origin'])}\``);
  const known = (await house.vault.find(String(content['person'])))?.keyIds ?? [];
  const left = (content['keyIds'] as string[]).filter((keyId) => known.includes(keyId));
  if (left.length > 0) throw new ProtegoError('RECEIPT_INVALID', `${left.length} of the keys are in the vault`);
}
