import { Command } from 'commander';
import { ProtegoError } from '@protego/contracts';
import type { RunManifest } from '@protego/replay';
import type { SigmaRuleSet } from '@protego/streams';
import { replayArtefacts } from '../artefact/replay-artefacts';
import { withKeyOptions, type KeyOptions } from '../log/key-options';
import { withReader, type OpenLog } from '../log/open-log';
import { requireDirectoryPath } from '../out-directory';
import { proveCommand } from '../replay/prove';
import { verifyProofCommand } from '../replay/verify-proof';
import { resumedLogOf } from '../replay/resumed-log';
import {
  WORKERS_MAX,
  countOf,
  emitRangeOf,
  warningOf,
  withRange,
  withRuleChoice,
  type RangeChoice,
  type RuleChoice,
} from '../replay/run-options';
import { withPace, withPublication, type PacedOptions } from '../replay/paced-run';
import { SAVE_EVERY_RECORDS, runInto, type RunSettings } from '../replay/run-session';
import { replayTimelineCommand } from '../replay/timeline';
import { replayVerifyCommand } from '../replay/verify-run';
import { Terminal } from '../terminal';

interface ReplayOptions extends KeyOptions, RuleChoice, RangeChoice, PacedOptions {
  readonly log: string;
  readonly out: string;
  readonly resume: boolean;
  readonly workers: number;
  readonly chunk?: number;
  readonly ignoreMutes: boolean;
  readonly knowledge: string;
  readonly saveEvery: number;
  readonly snapshots: boolean;
  readonly saveSnapshots?: number;
  readonly json: boolean;
}

/** `protego replay`: the pipeline over a log, to files that can be compared byte for byte. */
export function replayCommand(): Command {
  // Options after the name of a subcommand are those of the subcommand.
  const command = withKeyOptions(new Command('replay').enablePositionalOptions())
    .description(
      'Run rules and detectors over a log; writes OUT/manifest.json, OUT/detections.jsonl, OUT/evidence.jsonl, OUT/coverage.jsonl (what was not judged), and OUT/undecidable.jsonl where erased fields left rules without an answer.',
    )
    .option('--log <dir>', 'log directory; it is only read (required)')
    .option('--out <dir>', 'directory to write (required)')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)");
  withPace(withRuleChoice(withRange(command)))
    .option(
      '--knowledge <as-of>',
      '`then`: judge with what was known of the house by then; `now`: with all that the log knows',
      'then',
    )
    .option('--ignore-mutes', 'raise every detection, whatever was muted or acknowledged', false)
    .option(
      '--workers <threads>',
      'threads, each with a part of rules and detectors',
      countOf('--workers', WORKERS_MAX),
      1,
    )
    .option('--resume', 'go on where a run into the same directory was interrupted', false)
    .option(
      '--save-every <records>',
      'write down how far the run came, every so many records',
      countOf('--save-every'),
      SAVE_EVERY_RECORDS,
    )
    .option('--no-snapshots', 'begin at the first record, whatever snapshots there are')
    .option(
      '--save-snapshots <records>',
      "leave a snapshot in the log's directory, every so many records",
      countOf('--save-snapshots'),
    )
    .option('--chunk <records>', 'write the state down and go on from it, every so many records', countOf('--chunk'))
    .option('--json', 'print the manifest as JSON', false)
    .addHelpText(
      'after',
      '\non a terminal: p halts and goes on, q ends; a run that was ended goes on with --resume\nexit codes: 0 done, whatever was found; 2 usage error, no log or no keys, or ended before it was done; 3 internal error\nexample: protego replay --log .protego/log --out run1 --from 2026-03-02T07:00:00Z --to 2026-03-02T08:00:00Z',
    )
    .action((options: ReplayOptions) => replay(options));
  return command
    .addCommand(replayVerifyCommand())
    .addCommand(proveCommand())
    .addCommand(verifyProofCommand())
    .addCommand(replayTimelineCommand());
}

async function replay(options: ReplayOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  requireSensible(options);
  const { manifest, rules } = await withReader(options, (open) => {
    const settings = settingsOf(options, open);
    const warning = warningOf(settings, open.reader.stat());
    if (warning !== undefined) terminal.note(warning);
    return withPublication(options, open.reader.origin, (shown) => runInto({ ...settings, ...shown }, open, terminal));
  });
  for (const { path, line, code, message } of rules.problems)
    terminal.note(`${path}:${line ?? 1}: ${code}: ${message}`);
  terminal.result(manifest, summaryOf(manifest, rules));
}

function settingsOf(options: ReplayOptions, open: OpenLog): RunSettings {
  const { out } = options;
  // A log that has grown since is read, and asked which sets were in force, only as far as it went when the run began.
  const log = options.resume ? resumedLogOf(out, open) : undefined;
  return {
    set: replayArtefacts(options, open.reader, log?.size),
    out,
    ...(log === undefined ? {} : { log }),
    isResuming: options.resume,
    mutes: options.ignoreMutes ? 'ignored' : 'honoured',
    knowledge: options.knowledge as 'then' | 'now',
    workers: options.workers,
    chunkRecords: options.chunk,
    saveEvery: options.saveEvery,
    usesSnapshots: options.snapshots,
    snapshotEvery: options.saveSnapshots,
    ...emitRangeOf(options),
  };
}

// Commander would ask the subcommands for what is required here.
function requireSensible({ log, out, knowledge }: Partial<ReplayOptions>): void {
  for (const [name, value] of Object.entries({ log, out }))
    if (value === undefined) throw new ProtegoError('USAGE_INVALID', `required option \`--${name} <dir>\` is missing`);
  requireDirectoryPath(out as string);
  if (knowledge !== 'then' && knowledge !== 'now')
    throw new ProtegoError('USAGE_INVALID', '--knowledge takes `then` or `now`');
}

function summaryOf({ counts, mutes, outputHash }: RunManifest, rules: SigmaRuleSet): string[] {
  return [
    `${counts.events} events, ${rules.rules.length} rules, ${rules.correlations.length} correlations; ${rules.problems.length} documents left out`,
    `${counts.detections} detections, ${counts.late} late events, ${counts.skewed} skewed, ${counts.ruleFailed} rule failures`,
    ...(mutes.events > 0
      ? [
          `${mutes.events} events about mutes, ${mutes.option}: ${mutes.muted} detections muted, ${mutes.updated} updated`,
        ]
      : []),
    ...(counts.undecidable > 0
      ? [`${counts.undecidable} answers of rules are lost with erased fields: see undecidable.jsonl`]
      : []),
    `output hash: ${outputHash}`,
  ];
}
