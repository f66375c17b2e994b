import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import type { ArtefactSet } from '@protego/artefacts';
import { ProtegoError, canonicalJson, parseRfc3339Ms } from '@protego/contracts';
import { TileStore, merkleRootOf } from '@protego/event-log';
import {
  compareRuns,
  parseManifest,
  replayLogOf,
  requireWholeManifest,
  type EmitRange,
  type FileDifference,
  type ReplayLog,
  type RunComparison,
  type RunFiles,
  type RunManifest,
} from '@protego/replay';
import { areHashesInForce, replayArtefacts, type SetsInForce } from '../artefact/replay-artefacts';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { engineHash } from '../installation';
import { withKeyOptions, type KeyOptions } from '../log/key-options';
import { withReader, type OpenLog } from '../log/open-log';
import { Terminal } from '../terminal';
import { linesOfFile } from './file-lines';
import { withRuleChoice, type RuleChoice } from './run-options';
import { runInto, type FinishedRun } from './run-session';

interface VerifyOptions extends KeyOptions, RuleChoice {
  readonly log: string;
  readonly json: boolean;
}

/** `protego replay verify`: runs a replay again and compares. */
export function replayVerifyCommand(): Command {
  const command = withKeyOptions(new Command('verify'))
    .description(
      'Run again what a manifest says and compare: MATCH; MATCH-EXCEPT-ERASED, where what differs rests on fields of persons who were erased since; or DIFFERS, with the first line that does.',
    )
    .argument('<manifest>', 'manifest.json of a replay, with the other files of the run beside it')
    .requiredOption('--log <dir>', 'log directory; it is only read')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)");
  return withRuleChoice(command)
    .option('--json', 'print the comparison as JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 MATCH or MATCH-EXCEPT-ERASED, 1 DIFFERS, 2 usage error, other rules, no log or no keys, 3 internal error\nexample: protego replay verify run1/manifest.json --log .protego/log',
    )
    .action((manifest: string, options: VerifyOptions) => verify(manifest, options));
}

async function verify(path: string, options: VerifyOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  const recorded = readManifest(path);
  const files = filesOf(recorded, dirname(path));
  requireRecordedLines(path, files);
  const out = mkdtempSync(join(tmpdir(), 'protego-verify-'));
  try {
    const result = await withReader(options, async (open) => {
      const set = setsOf(recorded, options, open);
      const log = logAsOf(files, open);
      const { mutes, knowledge } = recorded;
      const settings = { set, out, log, mutes: mutes.option, knowledge, usesSnapshots: false, ...rangeOf(recorded) };
      return comparisonOf(files, await runInto(settings, open, terminal), out, log);
    });
    tell(terminal, recorded, result);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/**
 * The artefacts of the recorded run: those that were in force in the log as it was, or the set that the options name.
 *
 * @throws ProtegoError `REPLAY_ARTEFACTS_DIFFER`
 */
function setsOf(recorded: RunManifest, options: VerifyOptions, { reader }: OpenLog): ArtefactSet | SetsInForce {
  const wasInForce = options.artefacts === undefined && areHashesInForce(recorded.artefacts);
  const choice = wasInForce ? { ...options, artefacts: 'in-force' } : options;
  const set = replayArtefacts(choice, reader, recorded.log.size);
  if (canonicalJson(set.hashes) === canonicalJson(recorded.artefacts)) return set;
  throw new ProtegoError(
    'REPLAY_ARTEFACTS_DIFFER',
    'the rules or declarations are not those of the manifest: name the ones that it was made with',
    { recorded: recorded.artefacts, given: set.hashes },
  );
}

/**
 * The log as it was: the same records, which nobody may have changed since.
 *
 * @throws ProtegoError `REPLAY_LOG_DIFFERS`; `LOG_RANGE_MISSING` when records have expired that the run rested on
 */
function logAsOf({ manifest: { log, range } }: RunFiles, { reader, directory, house }: OpenLog): ReplayLog {
  const stat = reader.stat();
  if (stat.origin !== log.origin)
    throw new ProtegoError('REPLAY_LOG_DIFFERS', `the log is \`${stat.origin}\`, the manifest is of \`${log.origin}\``);
  if (stat.size < log.size)
    throw new ProtegoError('REPLAY_LOG_DIFFERS', `the log has ${stat.size} records, the manifest is of ${log.size}`);
  // Also a run that began at a snapshot rests on the records before it.
  if (stat.firstSeq > range.firstSeq)
    throw new ProtegoError('LOG_RANGE_MISSING', `records before ${stat.firstSeq} have expired`, {
      firstSeq: stat.firstSeq,
    });
  const root = log.size === stat.size ? stat.rootHash : new TileStore(directory, log.size).root().toString('hex');
  if (root !== log.root)
    throw new ProtegoError('REPLAY_LOG_DIFFERS', `the first ${log.size} records are not those of the manifest`, {
      recorded: log.root,
      found: root,
    });
  return { ...replayLogOf(reader, house.vault), size: log.size, rootHash: log.root, firstSeq: range.firstSeq };
}

/** The manifest that was named; throws `MANIFEST_INVALID` where it cannot be read, or does not say all. */
function readManifest(path: string): RunManifest {
  try {
    return requireWholeManifest(parseManifest(readFileSync(path, 'utf8')));
  } catch (cause) {
    const reason = UNREADABLE[(cause as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw cause;
    throw new ProtegoError('MANIFEST_INVALID', `\`${path}\` ${reason}`, { path }, { cause });
  }
}

/** Why a file cannot be read, by the code of the system. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist: name the manifest.json of a run',
  ENOTDIR: 'does not exist: name the manifest.json of a run',
  EISDIR: 'is a directory: name the manifest.json in it',
  EACCES: 'may not be read: check its permissions',
};

/** Requires that the detections beside a manifest are those that it names. */
function requireRecordedLines(path: string, { manifest: { outputHash }, lines }: RunFiles): void {
  const detections = lines('detections');
  if (detections === undefined) return;
  const root = merkleRootOf(detections);
  if (root === outputHash) return;
  const file = join(dirname(path), 'detections.jsonl');
  throw new ProtegoError('MANIFEST_INVALID', `\`${file}\` is not what the manifest says was found`, {
    recorded: outputHash,
    found: root,
  });
}

function rangeOf({ range: { by, emitFrom, emitTo } }: RunManifest): EmitRange {
  if (by === 'seq') {
    const seqOf = (bound: string | number | null): number | undefined => (bound === null ? undefined : Number(bound));
    return { emitFromSeq: seqOf(emitFrom), emitToSeq: seqOf(emitTo) };
  }
  const msOf = (text: string | number | null): number | undefined =>
    text === null ? undefined : parseRfc3339Ms(String(text));
  return { emitFromMs: msOf(emitFrom), emitToMs: msOf(emitTo) };
}

interface Verified extends RunComparison {
  readonly outputHash: string;
  readonly engineDiffers: boolean;
}

/**
 * Compares what was recorded with what was made again.
 *
 * @throws ProtegoError `MANIFEST_INVALID` when a file is missing that has to say in what the runs differ, or why
 */
async function comparisonOf(
  recorded: RunFiles,
  { manifest, rules }: FinishedRun,
  out: string,
  log: ReplayLog,
): Promise<Verified> {
  const { outputHash } = manifest;
  if (outputHash !== recorded.manifest.outputHash) {
    const found = { recorded: recorded.manifest.outputHash, found: outputHash };
    if (recorded.lines('detections') === undefined)
      throw missingBeside('detections.jsonl', 'the run differs', 'say in what', found);
    if (manifest.erasuresAt > recorded.manifest.erasuresAt && recorded.lines('evidence') === undefined)
      throw missingBeside('evidence.jsonl', 'the run differs', 'say which records it rested on', found);
  }
  const comparison = await compareRuns({ recorded, again: filesOf(manifest, out), rules, log });
  return { ...comparison, outputHash, engineDiffers: engineHash() !== recorded.manifest.engine };
}

function missingBeside(file: string, found: string, purpose: string, details: Record<string, string>): ProtegoError {
  return new ProtegoError(
    'MANIFEST_INVALID',
    `${found}, and \`${file}\` is not beside the manifest to ${purpose}`,
    details,
  );
}

/** The files of a run in a directory. */
function filesOf(manifest: RunManifest, directory: string): RunFiles {
  return {
    manifest,
    lines: (kind) => {
      const path = join(directory, `${kind}.jsonl`);
      return isFile(path) ? linesOfFile(path) : undefined;
    },
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function tell(terminal: Terminal, recorded: RunManifest, verified: Verified): void {
  const { verdict, preserved, undecidable, differing, first, files, engineDiffers } = verified;
  if (verdict === 'DIFFERS') process.exitCode = EXIT_CHECK_FAILED;
  terminal.result(verified, [
    verdict,
    `${preserved} of ${recorded.counts.detections} detections preserved, ${undecidable} lines undecidable, ${differing} differ`,
    ...verified.exceptions
      .slice(0, 20)
      .map(({ side, place, line }) => `erased: ${sideText(side)} line ${place}: ${cut(line)}`),
    ...files.map(fileText),
    ...(first !== undefined && verdict === 'DIFFERS'
      ? [`first line that differs: \`${first.file}\`, ${sideText(first.side)} line ${first.place}: ${cut(first.line)}`]
      : []),
    ...(engineDiffers ? ['the run was recorded with other code: differences may come from that'] : []),
  ]);
}

function fileText({ file, isMissing, excused, differing }: FileDifference): string {
  return isMissing
    ? `\`${file}\` is not beside the manifest: nothing of it was compared`
    : `\`${file}\`: ${differing} differ, ${excused} more because of erased fields`;
}

const LINE_CHARACTERS_MAX = 300;

function cut(line: string): string {
  return line.length <= LINE_CHARACTERS_MAX ? line : `${line.slice(0, LINE_CHARACTERS_MAX)}…`;
}

function sideText(side: 'recorded' | 'again'): string {
  return side === 'recorded' ? 'recorded' : 'made again';
}
