import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import { checkTimeline, factLines, pivotText, titleText, type CommandOf, type ProvedTimeline } from '@protego/replay';
import { EXIT_CHECK_FAILED } from '../exit-code';
import { entityOf } from '../detection/detection-options';
import { withKeyOptions, type KeyOptions } from '../log/key-options';
import { withReader } from '../log/open-log';
import { requireDirectoryPath } from '../out-directory';
import { timeOf } from '../log/selection';
import { Terminal } from '../terminal';
import { provedTimeline, proofWords, writeTimeline } from './timeline-files';
import { makeTimeline, type TimelineChoice } from './timeline-make';

interface TimelineOptions extends KeyOptions, TimelineChoice {
  readonly log?: string;
  readonly out?: string;
  readonly check?: string;
  readonly verifierKey?: string;
  readonly json: boolean;
}

/** Pivots that the terminal names. */
const TOLD_PIVOTS = 5;
const FAILED_CHECKS: ReadonlySet<string> = new Set(['LOG_PROOF_INVALID', 'LOG_CHECKPOINT_INVALID']);

/** `protego replay timeline`: what led to it, and what followed. */
export function replayTimelineCommand(): Command {
  return withKeyOptions(new Command('timeline'))
    .description(
      'Tell what happened around a person, patient, device, ward, address, session or detection: OUT/timeline.txt, OUT/timeline.html, and OUT/timeline.json with a proof of every line. Persons and patients are shown by token.',
    )
    .option('--log <dir>', 'log directory; it is only read')
    .option('--entity <kind:id>', 'such as device:pump-7 or ward:icu; a person by identity, name or token', entityOf)
    .option('--detection <id>', 'a detection, with an hour before and after its window')
    .option('--from <time>', 'least event time, RFC 3339', timeOf('--from'))
    .option('--to <time>', 'event time after the last, RFC 3339', timeOf('--to'))
    .option('--run <dir>', 'take detections from the output of a replay of this log, not from the log')
    .option('--out <dir>', 'directory to write')
    .option('--check <file>', 'check a timeline.json instead, without a log')
    .option('--verifier-key <key>', 'with --check: key of the log, as whoever runs it publishes it')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)")
    .option('--json', 'print what was found as JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done, 1 with --check: a line is not what the log holds, 2 usage error, unknown detection, no log or no keys, 3 internal error\nexample: protego replay timeline --log .protego/log --entity device:pump-7 --run run1 --out pump-7',
    )
    .action((options: TimelineOptions) => timeline(options));
}

async function timeline(options: TimelineOptions): Promise<void> {
  const terminal = new Terminal(options.json);
  if (options.check !== undefined) return check(options.check, options.verifierKey, terminal);
  const { log: directory, out } = options;
  if (directory === undefined || out === undefined) throw new ProtegoError('USAGE_INVALID', 'name --log and --out');
  requireDirectoryPath(out);
  const log = directory;
  const made = await withReader({ ...options, log }, async (open) => {
    const { timeline: told, leafOf } = await makeTimeline(open, options);
    const proved = provedTimeline(told, open, leafOf);
    return { proved, files: writeTimeline(out, proved, commandOf(log, out, proved, options.run)) };
  });
  tell(terminal, made.proved, made.files);
}

function check(path: string, verifierKey: string | undefined, terminal: Terminal): void {
  const text = readFileSync(path, 'utf8');
  try {
    const { lines, size } = checkTimeline(text, verifierKey);
    const whose =
      verifierKey === undefined ? ' The key is the one in the file: compare it with the published one.' : '';
    terminal.result({ valid: true, lines, size }, [
      `VALID: ${lines} lines are what the log of ${size} records holds.${whose}`,
    ]);
  } catch (error) {
    if (!isProtegoError(error) || !FAILED_CHECKS.has(error.code)) throw error;
    terminal.result({ valid: false, code: error.code, reason: error.message }, [`INVALID: ${error.message}`]);
    process.exitCode = EXIT_CHECK_FAILED;
  }
}

/** The command for the timeline of something else, over the same time. */
function commandOf(log: string, out: string, { range }: ProvedTimeline, run: string | undefined): CommandOf {
  return ({ kind, id }) => {
    const next = join(out, `${kind}-${id}`.replaceAll(/[^A-Za-z0-9_.-]/g, '_'));
    const words = ['--log', log, '--entity', `${kind}:${id}`, '--from', range.from, '--to', range.to];
    const all = [...words, ...(run === undefined ? [] : ['--run', run]), '--out', next];
    return `protego replay timeline ${all.map(quoted).join(' ')}`;
  };
}

function quoted(word: string): string {
  return /^[\w.:/~@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function tell(terminal: Terminal, proved: ProvedTimeline, files: readonly string[]): void {
  const { focus, range, counts, pivots, searched, detectionsFrom, unusual } = proved;
  terminal.result({ focus, range, counts, searched, detectionsFrom, unusual, pivots, files }, [
    titleText(proved),
    ...factLines(proved),
    ...pivots.slice(0, TOLD_PIVOTS).map((pivot) => `look next at: ${pivot.kind} ${pivot.id} (${pivotText(pivot)})`),
    proofWords(proved),
    ...files,
  ]);
}
