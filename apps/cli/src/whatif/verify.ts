import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { ProtegoError, isProtegoError, messageOf } from '@protego/contracts';
import { merkleRootOf, parseVerifierKey, verifyNote } from '@protego/event-log';
import { diffHashOf, parseChangeRecord, parseDiff, parseManifest, type ChangeRecord } from '@protego/replay';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { withKeyOptions, type KeyOptions } from '../log/key-options';
import { withReader } from '../log/open-log';
import { linesOfFile } from '../replay/file-lines';
import { Terminal } from '../terminal';
import { RECORD_FILE, SIDES, sha256OfFile, type Side } from './whatif-files';

interface VerifyOptions extends KeyOptions {
  readonly log?: string;
  readonly verifierKey?: string;
  readonly json: boolean;
}

/** `protego whatif verify`. */
export function whatIfVerifyCommand(): Command {
  return withKeyOptions(new Command('verify'))
    .description(
      'Check a directory that `whatif` wrote against its signed change record: every file, both runs and the difference. Exit 1 when anything differs.',
    )
    .argument('<dir>', 'directory that `whatif --out` named')
    .option('--log <dir>', 'log whose key must have signed the record')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)")
    .option('--verifier-key <key>', 'key of the log as its owner publishes it (C2SP verifier key)')
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done, 1 the check failed, 2 usage error or no record, 3 internal error\nexample: protego whatif verify whatif1 --log .protego/log',
    )
    .action((directory: string, options: VerifyOptions) => verify(directory, options));
}

async function verify(directory: string, options: VerifyOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const path = join(directory, RECORD_FILE);
  if (!existsSync(path)) throw new ProtegoError('USAGE_INVALID', `\`${directory}\` holds no \`${RECORD_FILE}\``);
  const key = await keyOf(options);
  const { record, problems } = checkRecord(directory, readFileSync(path), key);
  const isKeyGiven = key !== undefined;
  const ok = problems.length === 0;
  const told = record === undefined ? {} : { diffHash: record.assessment.diffHash, verifierKey: record.verifierKey };
  terminal.result({ ok, isKeyGiven, problems, ...told }, [
    ok ? `${isKeyGiven ? 'OK' : 'UNPROVEN'}: every file is as it was signed` : `NOT OK: ${problems.length} problems`,
    ...problems.map((problem) => `  ${problem}`),
    ...(record === undefined ? [] : [`difference: ${record.assessment.diffHash}`]),
  ]);
  if (!isKeyGiven && record !== undefined)
    terminal.note(
      `warning: checked against the key inside the record; compare it with the key of the log, or name that with --verifier-key: ${record.verifierKey}`,
    );
  if (!ok) process.exitCode = EXIT_CHECK_FAILED;
}

async function keyOf(options: VerifyOptions): Promise<string | undefined> {
  const { log, verifierKey } = options;
  if (log === undefined) return verifierKey;
  const keyOfLog = await withReader({ ...options, log }, ({ reader }) => reader.identity.verifierKey);
  if (verifierKey !== undefined && verifierKey !== keyOfLog)
    throw new ProtegoError('USAGE_INVALID', '--verifier-key is not the key of the log that --log names');
  return keyOfLog;
}

interface Checked {
  readonly record?: ChangeRecord;
  readonly problems: readonly string[];
}

function checkRecord(directory: string, note: Buffer, verifierKey: string | undefined): Checked {
  const problems: string[] = [];
  const attempt = <T>(what: string, check: () => T): T | undefined => {
    try {
      return check();
    } catch (error) {
      problems.push(`${what}: ${isProtegoError(error) ? error.message : messageOf(error)}`);
      return undefined;
    }
  };
  const record = attempt(RECORD_FILE, () => openRecord(note, verifierKey));
  if (record === undefined) return { problems };
  for (const [name, hash] of Object.entries(record.files))
    attempt(name, () => {
      if (sha256OfFile(join(directory, name)) !== hash) throw altered('differs from what was signed');
    });
  attempt('diff.json', () => checkDiff(directory, record));
  for (const side of SIDES) attempt(side, () => checkRun(directory, side, record));
  return { record, problems: [...new Set(problems)] };
}

/** The record of a note, whose signature is that of the key; without one, of the key that it names itself. */
function openRecord(note: Buffer, verifierKey: string | undefined): ChangeRecord {
  const claimed = parseChangeRecord(note.toString('utf8'));
  const key = verifierKey ?? claimed.verifierKey;
  if (claimed.verifierKey !== key) throw altered('is not signed with the key of the log');
  return parseChangeRecord(verifyNote(note, [parseVerifierKey(key)]).text);
}

function checkDiff(directory: string, { assessment }: ChangeRecord): void {
  const diff = parseDiff(readFileSync(join(directory, 'diff.json'), 'utf8'));
  if (diffHashOf(diff) !== assessment.diffHash) throw altered('is not the difference that was signed');
}

function checkRun(directory: string, side: Side, { assessment, log }: ChangeRecord): void {
  const manifest = parseManifest(readFileSync(join(directory, side, 'manifest.json'), 'utf8'));
  const root = merkleRootOf([...linesOfFile(join(directory, side, 'detections.jsonl'))]);
  if (manifest.outputHash !== assessment[side].outputHash || root !== manifest.outputHash)
    throw altered('the detections are not those of the run');
  if (manifest.log.root !== log.root) throw altered('the run is of another log');
}

function altered(message: string): ProtegoError {
  return new ProtegoError('CHANGE_RECORD_INVALID', message);
}
