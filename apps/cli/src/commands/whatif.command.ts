import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ProtegoError, systemClock } from '@protego/contracts';
import { appendAssessment, type AssessmentReceipt } from '@protego/event-log';
import {
  GATES,
  GATE_NAMES,
  assessmentOf,
  whatIfDiffOf,
  detectionDiffSource,
  failedGates,
  headOf,
  parseGates,
  replayLogOf,
  requireLabels,
  type ChangeRecord,
  type GateName,
  type WhatIfDiff,
} from '@protego/replay';
import { SET_HELP } from '../artefact/artefact-options';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { shippedStreamsDir } from '../installation';
import { ENGINE_OPTION_HELP, hereOrInEngine, type EngineOptions } from '../log/engine-client';
import { withKeyOptions } from '../log/key-options';
import { originOf, withReader, withWriter, type OpenLog } from '../log/open-log';
import { requireDirectoryPath } from '../out-directory';
import { WORKERS_MAX, countOf, emitRangeOf, warningOf, withRange, type RangeChoice } from '../replay/run-options';
import { claimOut } from '../replay/run-out';
import type { RunSettings } from '../replay/run-session';
import { Terminal } from '../terminal';
import { loadSide, type LoadedSet } from '../whatif/artefact-side';
import { evidenceFacts, knowledgeFacts } from '../whatif/event-facts';
import { loadLabels } from '../whatif/label-file';
import { runSide, type SideRun } from '../whatif/run-side';
import { whatIfVerifyCommand } from '../whatif/verify';
import { clearReports, recogniseWhatIf, signReports, writeReports, type Side } from '../whatif/whatif-files';

const BASELINE_HELP = `what is in force: \`current\`, for the set that was activated last; ${SET_HELP}`;

interface WhatIfOptions extends EngineOptions, RangeChoice {
  readonly baseline: string;
  readonly candidate: string;
  readonly out: string;
  readonly streams: string;
  readonly workers: number;
  readonly knowledge: Knowledge;
  readonly candidateKnowledge?: Knowledge;
  readonly labels?: string;
  readonly failOn: readonly GateName[];
  readonly ignoreMutes: boolean;
  readonly append: boolean;
  readonly reason?: string;
}

type Knowledge = 'then' | 'now';

const KNOWLEDGE: readonly Knowledge[] = ['then', 'now'];
const REQUIRED = ['log', 'baseline', 'candidate', 'out'] as const;

/** `protego whatif`: what another set of artefacts would have made of history. */
export function whatIfCommand(): Command {
  const command = new Command('whatif')
    .description(
      'Replay a log with two sets of rules and say what would have been different: OUT/report.html, report.txt, junit.xml, diff.json, a signed change-record.note, and both runs in OUT/baseline and OUT/candidate.',
    )
    // Else `verify --log` would be taken for an option of `whatif`.
    .enablePositionalOptions()
    .addCommand(whatIfVerifyCommand());
  withComparison(command);
  withRange(command);
  withRunning(command);
  return withKeyOptions(command)
    .option('--append', 'append the change record to the log as an event of hashes and counts; needs --reason', false)
    .option('--reason <text>', 'why; it stays in the log in clear and must not name anybody')
    .option('--engine <url>', ENGINE_OPTION_HELP)
    .option('--json', 'print the difference as JSON', false)
    .addHelpText('after', helpText())
    .action((options: WhatIfOptions) => whatIf(options));
}

function withComparison(command: Command): void {
  command
    .option('--log <dir>', 'log directory; it is only read, unless --append is given')
    .option('--baseline <set>', BASELINE_HELP)
    .option('--candidate <set>', 'what would take its place, named in the same way')
    .option('--out <dir>', 'directory to write')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)")
    .option('--streams <dir>', 'where a set finds what it does not hold', shippedStreamsDir())
    .option('--labels <file>', 'labels.ndjson.gz of the history: adds precision and recall')
    .option('--fail-on <gates>', 'exit 1 when one of these gates fails, separated by commas', parseGates, []);
}

function withRunning(command: Command): void {
  const asOf = (flag: string, help: string): Option => new Option(`${flag} <as-of>`, help).choices(KNOWLEDGE);
  command
    .addOption(
      asOf('--knowledge', '`then`: judge with what was known by then; `now`: with all that is').default('then'),
    )
    .addOption(asOf('--candidate-knowledge', 'the same for the candidate alone'))
    .option('--workers <threads>', 'threads of each run', countOf('--workers', WORKERS_MAX), 1)
    .option('--ignore-mutes', 'raise every detection, whatever was muted or acknowledged', false);
}

function helpText(): string {
  const gates = GATE_NAMES.map((name) => {
    const { words, needsLabels } = GATES[name];
    return `  ${name.padEnd(22)}${words}${needsLabels ? ' (needs --labels)' : ''}`;
  });
  return [
    '\ngates:',
    ...gates,
    '\nexit codes: 0 done, whatever differs; 1 a gate of --fail-on failed; 2 usage error, no log or no keys; 3 internal error',
    'example: protego whatif --log .protego/log --baseline streams --candidate new-streams --out whatif1 --fail-on lost,lower-severity',
  ].join('\n');
}

async function whatIf(options: WhatIfOptions): Promise<void> {
  requireOptions(options);
  const { log: directory, out } = options;
  const terminal = new Terminal(options.json);
  const made = await withReader({ ...options, log: directory }, async (log) => {
    const warning = warningOf(emitRangeOf(options), log.reader.stat());
    if (warning !== undefined) terminal.note(warning);
    const sets = {
      baseline: loadSide(options.baseline, options.streams, log.reader),
      candidate: loadSide(options.candidate, options.streams, log.reader),
    };
    const lock = await claimOut(out, recogniseWhatIf, () =>
      terminal.note(`replaces the what-if that was in \`${out}\``),
    );
    try {
      return await compareInto(options, sets, log, terminal);
    } finally {
      await lock.release();
    }
  });
  const receipt = options.append ? await append(options, made.record, made.note) : undefined;
  report(terminal, options, made.diff, receipt);
}

async function compareInto(
  options: WhatIfOptions,
  sets: Both<LoadedSet>,
  log: OpenLog,
  terminal: Terminal,
): Promise<{ readonly diff: WhatIfDiff; readonly record: ChangeRecord; readonly note: string }> {
  const { out } = options;
  clearReports(out);
  // Taken once: while the engine appends, both runs still read the same records.
  const history = replayLogOf(log.reader, log.house.vault);
  const runs = { baseline: await run('baseline'), candidate: await run('candidate') };
  const diff = await compare(log, options, sets, runs);
  writeReports(out, diff, { baseline: runs.baseline.cost, candidate: runs.candidate.cost });
  return { diff, ...(await signReports(out, diff, log)) };

  function run(side: Side): Promise<SideRun> {
    terminal.note(`${side}: ${sets[side].name}`);
    return runSide(sets[side], { ...settingsOf(side, options), log: history }, log, terminal, systemClock);
  }
}

function requireOptions(options: WhatIfOptions): void {
  // Not `requiredOption`: that would be asked of `whatif verify` too.
  const missing = REQUIRED.filter((name) => options[name] === undefined);
  if (missing.length > 0)
    throw new ProtegoError('USAGE_INVALID', `${missing.map((name) => `--${name}`).join(', ')} must be given`);
  requireDirectoryPath(options.out);
  if (options.labels === undefined) requireLabels(options.failOn);
  if (options.append && (options.reason ?? '').trim() === '')
    throw new ProtegoError('USAGE_INVALID', '--append needs --reason');
}

function settingsOf(side: Side, options: WhatIfOptions): Omit<RunSettings, 'set' | 'log'> {
  const { knowledge, candidateKnowledge = knowledge } = options;
  return {
    out: join(options.out, side),
    mutes: options.ignoreMutes ? 'ignored' : 'honoured',
    knowledge: side === 'baseline' ? knowledge : candidateKnowledge,
    workers: options.workers,
    ...emitRangeOf(options),
  };
}

type Both<T> = Readonly<Record<Side, T>>;

async function compare(
  { reader, house }: OpenLog,
  { labels, failOn }: WhatIfOptions,
  sets: Both<LoadedSet>,
  runs: Both<SideRun>,
): Promise<WhatIfDiff> {
  const { size } = runs.baseline.manifest.log;
  const { firstSeq } = reader.stat();
  const sideOf = (side: Side): Parameters<typeof whatIfDiffOf>[0]['baseline'] => ({
    name: sets[side].name,
    manifest: runs[side].manifest,
    artefacts: { ...sets[side].side, knowledge: runs[side].manifest.knowledge },
  });
  return whatIfDiffOf({
    baseline: sideOf('baseline'),
    candidate: sideOf('candidate'),
    sources: [detectionDiffSource(runs.baseline.detections(), runs.candidate.detections())],
    evidence: (seqs) => evidenceFacts(reader, seqs, firstSeq),
    knowledge: () => knowledgeFacts(reader, size),
    ...(labels === undefined ? {} : { labels: await loadLabels(labels, house.vault) }),
    gates: failOn,
  });
}

function append(options: WhatIfOptions, record: ChangeRecord, note: string): Promise<AssessmentReceipt> {
  const assessment = assessmentOf(record, note, options.reason as string);
  return hereOrInEngine<AssessmentReceipt>(
    options,
    () => withWriter(options, ({ authority }) => appendAssessment(assessment, authority)),
    (engine) => engine.ask(originOf(options), 'change-assessed', assessment),
  );
}

function report(terminal: Terminal, { out }: WhatIfOptions, diff: WhatIfDiff, receipt?: AssessmentReceipt): void {
  const failed = failedGates(diff.gates);
  terminal.result({ ...diff, ...(receipt === undefined ? {} : { appended: receipt }) }, [
    ...headOf(diff).map((line) => line.trimStart()),
    `${diff.documents.length} documents differ: ${diff.documents.map(({ key }) => key).join(', ')}`,
    ...failed.map(({ gate, failures, words }) => `FAILED ${gate}: ${failures} ${words}`),
    ...(receipt === undefined ? [] : [`recorded at seq ${receipt.seq}`]),
    `report: ${join(out, 'report.html')}`,
  ]);
  if (failed.length > 0) process.exitCode = EXIT_CHECK_FAILED;
}
