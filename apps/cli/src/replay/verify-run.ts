import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
  type EmitRange,
  type ReplayLog,
  type RunComparison,
  type RunManifest,
  type SeqSpan,
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
    .argument('<manifest>', 'manifest.json of a replay, with detections.jsonl and evidence.jsonl beside it')
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
  const recorded = parseManifest(readFileSync(path, 'utf8'));
  const lines = recordedLinesBeside(path, recorded);
  const out = mkdtempSync(join(tmpdir(), 'protego-verify-'));
  try {
    const result = await withReader(options, async (open) => {
      const set = setsOf(recorded, options, open);
      const log = logAsOf(recorded, open);
      const { mutes, knowledge } = recorded;
      const settings = { set, out, log, mutes: mutes.option, knowledge, usesSnapshots: false, ...rangeOf(recorded) };
      return comparisonOf(recorded, lines, await runInto(settings, open, terminal), out);
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

/** The log as it was: the same records, which nobody may have changed since. */
function logAsOf({ log, range }: RunManifest, { reader, directory, house }: OpenLog): ReplayLog {
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

/** Lines of the recorded run; undefined where they are missing. */
function recordedLinesBeside(path: string, { outputHash }: RunManifest): string | undefined {
  const lines = join(dirname(path), 'detections.jsonl');
  if (!existsSync(lines)) return undefined;
  const root = merkleRootOf(linesOfFile(lines));
  if (root === outputHash) return dirname(path);
  throw new ProtegoError('MANIFEST_INVALID', `\`${lines}\` is not what the manifest says was found`, {
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

function comparisonOf(
  recorded: RunManifest,
  lines: string | undefined,
  { manifest: again, rules }: FinishedRun,
  out: string,
): Verified {
  const isSame = again.outputHash === recorded.outputHash;
  if (lines === undefined && !isSame)
    throw new ProtegoError(
      'MANIFEST_INVALID',
      'the run differs, and `detections.jsonl` is not beside the manifest to say in what',
      { recorded: recorded.outputHash, found: again.outputHash },
    );
  const coverage = coverageOf(out);
  const seqs = new Map([...seqsIn(lines ?? out), ...seqsIn(out)]);
  const comparison = compareRuns({
    ...{ recorded, again, rules, ...coverage },
    recordedLines: linesOfFile(join(lines ?? out, 'detections.jsonl')),
    againLines: linesOfFile(join(out, 'detections.jsonl')),
    seqsOf: (id) => seqs.get(id) ?? [],
  });
  return { ...comparison, outputHash: again.outputHash, engineDiffers: engineHash() !== recorded.engine };
}

/** What the run that was made again could not judge. */
function coverageOf(out: string): { undecidableIds: Set<string>; isErased: (seq: number) => boolean } {
  const undecidableIds = new Set<string>();
  let erased: readonly SeqSpan[] = [];
  for (const text of linesOfFile(join(out, 'coverage.jsonl'))) {
    const line = JSON.parse(text) as { kind: string; ruleId?: string } & Record<
      string,
      { ranges: SeqSpan[] } | undefined
    >;
    if (line.kind === 'run') erased = line['erased']?.ranges ?? [];
    else if (line['undecidable'] !== undefined && line.ruleId !== undefined) undecidableIds.add(line.ruleId);
  }
  return { undecidableIds, isErased: (seq) => erased.some(([from, to]) => seq >= from && seq < to) };
}

function* seqsIn(directory: string): Generator<[string, readonly number[]]> {
  const path = join(directory, 'evidence.jsonl');
  if (!existsSync(path)) return;
  for (const text of linesOfFile(path)) {
    const { id, seqs } = JSON.parse(text) as { id: string; seqs: number[] };
    yield [id, seqs];
  }
}

function tell(terminal: Terminal, recorded: RunManifest, verified: Verified): void {
  const { verdict, preserved, undecidable, differing, first, engineDiffers } = verified;
  if (verdict === 'DIFFERS') process.exitCode = EXIT_CHECK_FAILED;
  terminal.result(verified, [
    verdict,
    `${preserved} of ${recorded.counts.detections} detections preserved, ${undecidable} lines undecidable, ${differing} differ`,
    ...verified.exceptions
      .slice(0, 20)
      .map(({ side, place, line }) => `erased: ${sideText(side)} line ${place}: ${cut(line)}`),
    ...(first !== undefined && differing > 0
      ? [`first line that differs: ${sideText(first.side)} line ${first.place}: ${cut(first.line)}`]
      : []),
    ...(engineDiffers ? ['the run was recorded with other code: differences may come from that'] : []),
  ]);
}

const LINE_CHARACTERS_MAX = 300;

function cut(line: string): string {
  return line.length <= LINE_CHARACTERS_MAX ? line : `${line.slice(0, LINE_CHARACTERS_MAX)}…`;
}

function sideText(side: 'recorded' | 'again'): string {
  return side === 'recorded' ? 'recorded' : 'made again';
}
